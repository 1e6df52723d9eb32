//! The rows as a picture: how many times as fast as the host's kernel.
//!
//! Each row is a bar from 1, the host, to the right where ours is faster and to the left where it is slower, on a scale
//! of powers of ten; a thin line spans what the rounds saw.

use std::fmt::Write;

use super::table::Spread;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 56.0;
const ROW: f64 = 30.0;
/// Powers of ten at the ends of the scale.
const SCALE: (f64, f64) = (-1.0, 2.0);

/// A bar.
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) host: Spread,
    pub(crate) ours: Spread,
    pub(crate) more_is_better: bool,
}

impl Bar {
    /// How many times as fast, in the middle and at the ends.
    fn times(&self) -> [f64; 3] {
        let times = |ours: f64, host: f64| match self.more_is_better {
            true => ours / host,
            false => host / ours,
        };
        let (host, ours) = (&self.host, &self.ours);
        let mut ends = [
            times(ours.least, host.median),
            times(ours.most, host.median),
        ];
        ends.sort_by(f64::total_cmp);
        [times(ours.median, host.median), ends[0], ends[1]]
    }
}

fn place(times: f64) -> f64 {
    let (low, high) = SCALE;
    let share = (times.log10().clamp(low, high) - low) / (high - low);
    LEFT + share * (RIGHT - LEFT)
}

/// The chart as SVG.
pub(crate) fn draw(bars: &[Bar], rounds: usize) -> String {
    let height = TOP + bars.len() as f64 * ROW + 34.0;
    let bottom = TOP + bars.len() as f64 * ROW;
    let mut svg = String::new();
    let mut line = |text: String| {
        // A String takes all.
        let _ = writeln!(svg, "{text}");
    };
    line(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#1d2b36\">"
    ));
    line(format!(
        "<rect width=\"{WIDTH}\" height=\"{height}\" rx=\"12\" fill=\"#fbfaf7\"/>"
    ));
    line("<text x=\"24\" y=\"30\" font-size=\"15\" font-weight=\"600\">times as fast as the host's kernel</text>".into());
    for (times, label) in [
        (0.1, "÷ 10"),
        (1.0, "host"),
        (10.0, "× 10"),
        (100.0, "× 100"),
    ] {
        let x = place(times);
        let colour = if times == 1.0 { "#1d2b36" } else { "#d8dde1" };
        line(format!(
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"{colour}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#5b6b78\">{label}</text>",
            bottom + 20.0
        ));
    }
    for (number, bar) in bars.iter().enumerate() {
        let [middle, least, most] = bar.times();
        let y = TOP + number as f64 * ROW;
        let (from, to) = (place(1.0).min(place(middle)), place(1.0).max(place(middle)));
        let colour = if middle >= 1.0 { "#81b29a" } else { "#e07a5f" };
        line(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"18\" rx=\"3\" fill=\"{colour}\"/>\
             <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#3d405b\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 12.0,
            y + 19.0,
            bar.name,
            y + 6.0,
            (to - from).max(1.0),
            place(least),
            place(most),
            y + 15.0,
            y + 15.0,
            place(most.max(1.0)) + 6.0,
            y + 19.0,
            shown(middle),
        ));
    }
    line(format!(
        "<text x=\"{:.1}\" y=\"30\" text-anchor=\"end\" fill=\"#5b6b78\">medians of {rounds} rounds; the lines span them</text>",
        WIDTH - 24.0
    ));
    line("</svg>".into());
    svg
}

fn shown(times: f64) -> String {
    match times {
        times if times >= 10.0 => format!("{times:.0}"),
        times => format!("{times:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(median: f64) -> Spread {
        Spread {
            median,
            least: median * 0.9,
            most: median * 1.1,
        }
    }

    #[test]
    fn faster_is_to_the_right_whatever_the_unit() {
        let bar = |host, ours, more_is_better| Bar {
            name: "row".into(),
            host: spread(host),
            ours: spread(ours),
            more_is_better,
        };
        assert_eq!(bar(100.0, 10.0, false).times()[0], 10.0);
        assert_eq!(bar(100.0, 10.0, true).times()[0], 0.1);
        assert!(place(0.1) < place(1.0) && place(1.0) < place(10.0));
        let [middle, least, most] = bar(100.0, 10.0, false).times();
        assert!(least < middle && middle < most);
        let svg = draw(&[bar(100.0, 10.0, false), bar(1.0, 0.5, true)], 10);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains(">10</text>") && svg.contains(">0.5</text>"));
    }
}
