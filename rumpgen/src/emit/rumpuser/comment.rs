//! Comments in C, filled to the width of a page.

/// Columns of a line.
const WIDTH: usize = 100;

/// A comment of these lines, whose paragraphs are filled, for a place that is indented by so many columns;
/// nothing where there are no lines. The first line itself is not indented.
pub(super) fn comment(lines: &[String], indent: usize) -> String {
    let paragraphs: Vec<String> = lines
        .split(|line| line.is_empty())
        .map(|lines| lines.join(" "))
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    let room = WIDTH - indent - " * ".len();
    match &paragraphs[..] {
        [] => String::new(),
        [only] if only.chars().count() + " */".len() <= room => format!("/* {only} */"),
        _ => {
            let margin = " ".repeat(indent);
            let filled: Vec<_> = paragraphs.iter().map(|text| fill(text, room)).collect();
            let body = filled.join("\n\n");
            let body = body.lines().map(|line| match line {
                "" => format!("{margin} *\n"),
                line => format!("{margin} * {line}\n"),
            });
            format!("/*\n{}{margin} */", body.collect::<String>())
        }
    }
}

/// A paragraph in lines of at most `width` columns, as far as its words allow.
fn fill(text: &str, width: usize) -> String {
    let mut filled = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let len = word.chars().count();
        if column > 0 && column + 1 + len > width {
            filled.push('\n');
            column = 0;
        } else if column > 0 {
            filled.push(' ');
            column += 1;
        }
        filled.push_str(word);
        column += len;
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn short_comments_are_one_line_and_others_are_filled() {
        assert_eq!(comment(&[], 0), "");
        assert_eq!(comment(&lines("One\nthing."), 4), "/* One thing. */");
        assert_eq!(
            comment(&lines("One.\n\nAnother."), 4),
            "/*\n     * One.\n     *\n     * Another.\n     */"
        );
        let long = format!("{}. {}.", "a".repeat(60), "b".repeat(60));
        let filled = comment(&[long], 0);
        assert_eq!(filled.lines().count(), 4, "{filled}");
        assert!(filled.lines().all(|line| line.len() <= WIDTH), "{filled}");
    }
}
