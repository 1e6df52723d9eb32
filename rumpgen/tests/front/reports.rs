//! What the reports say; how they look is for eyes.

use rumpgen::report::{self, Format, LineKind, Picture};
use rumpgen::request::argument;

use crate::harness::{catalogue, good};

fn why(arguments: &str, component: &str) -> String {
    let text = report::why(&good(arguments), &argument("why", component));
    text.unwrap_or_else(|diagnostic| panic!("{diagnostic}"))
}

#[test]
fn every_reason_leads_to_the_user() {
    assert_eq!(
        why("--components beta", "garden"),
        "garden: What grows\n  part of host-beta because\n  \
         - required by alpha, default provider of flower on host, required by beta, asked for\n  \
         - required by beta, asked for\n  \
         - required by gamma, default provider of gardener on host, required by beta, asked for\n"
    );
    assert_eq!(
        why("--components mill", "mill"),
        "mill: Grinds, and wheels plug into it\n  part of host-mill because\n  \
         - asked for\n  \
         - required by wheel, default provider of drive on host, required by mill\n"
    );
}

#[test]
fn what_is_absent_could_come() {
    assert_eq!(
        why(
            "--components beta --without alpha --components rose,beta",
            "alpha"
        ),
        "alpha: A driver that needs nothing special\n  not part of host-rose-beta-without-alpha\n  \
         - it is left out with --without\n  \
         - asked for, it would be: --components alpha\n  \
         - it could provide flower, which is provided by rose\n"
    );
    assert_eq!(
        why("--components alpha", "miller"),
        "miller: Joins a garden and a mill\n  not part of host-alpha\n  \
         - asked for, it would be: --components miller\n  \
         - it would join by itself with mill\n"
    );
    let unknown = report::why(&good("--components alpha"), &argument("why", "gama"));
    assert!(
        unknown
            .expect_err("there is no such component")
            .to_string()
            .contains("`gamma`")
    );
    let capability = report::why(&good("--components alpha"), &argument("why", "flower"));
    assert!(
        capability
            .expect_err("a capability is no component")
            .to_string()
            .contains("it is provided by `alpha`")
    );
}

#[test]
fn what_follows_from_other_needs_is_marked() {
    let picture = Picture::of_plan(&good("--components beta").plan);
    let line = |from: &str, to: &str| {
        let line = picture
            .lines
            .iter()
            .find(|line| line.from == from && line.to == to);
        line.map(|line| (line.kind, line.implied))
    };
    assert_eq!(line("alpha", "ground"), Some((LineKind::Declared, true)));
    assert_eq!(line("alpha", "garden"), Some((LineKind::Declared, false)));
    assert_eq!(line("beta", "alpha"), Some((LineKind::Capability, false)));
    assert_eq!(line("beta", "ground"), None);
}

#[test]
fn all_forms_name_everything() {
    for picture in [
        Picture::of_plan(&good("--components beta,mill").plan),
        Picture::of_catalogue(&catalogue()),
    ] {
        for (form, format) in Format::NAMES {
            let text = report::graph(&picture, *format);
            assert_eq!(text, report::graph(&picture, *format));
            for node in &picture.nodes {
                assert!(text.contains(&node.name), "{} in {form}", node.name);
            }
            for group in &picture.groups {
                assert!(text.contains(&group.name), "{} in {form}", group.name);
            }
        }
    }
}

#[test]
fn drawings_keep_things_apart() {
    let text = report::graph(&Picture::of_catalogue(&catalogue()), Format::Svg);
    let mut boxes: Vec<(f64, f64, f64)> = Vec::new();
    for line in text
        .lines()
        .filter(|line| line.starts_with("<rect x=") || line.contains("class=\"pill\""))
    {
        let number = |key: &str| -> f64 {
            let after = line
                .split(&format!(" {key}=\""))
                .nth(1)
                .expect("a rectangle has numbers");
            after
                .split('"')
                .next()
                .and_then(|number| number.parse().ok())
                .expect("a number")
        };
        boxes.push((number("y"), number("x"), number("width")));
    }
    boxes.sort_by(|a, b| a.partial_cmp(b).expect("these are numbers"));
    assert!(boxes.len() > 8);
    for pair in boxes.windows(2) {
        assert!(
            pair[0].0 < pair[1].0 || pair[0].1 + pair[0].2 <= pair[1].1,
            "{pair:?}"
        );
    }
}

#[test]
fn the_list_has_components_by_layer() {
    let text = report::list(&catalogue()).to_text();
    let position = |line: &str| {
        text.find(line)
            .unwrap_or_else(|| panic!("{line} in {text}"))
    };
    assert!(position("base\n  ground") < position("factions\n  garden"));
    assert!(position("drivers: garden") < position("capabilities\n"));
    assert!(position("capabilities\n") < position("platforms\n  host"));
    assert!(text.contains("any of alpha, rose"), "{text}");
}
