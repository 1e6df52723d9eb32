//! The command line of a kernel: parameters, and behind `--` the application's arguments.

use crate::diagnostic::Diagnostic;

/// The words of it.
pub(crate) fn words<'a>(
    params: impl IntoIterator<Item = (&'a str, &'a str)>,
    arguments: &[String],
) -> Vec<String> {
    let params = params.into_iter();
    let mut words: Vec<String> = params
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if !arguments.is_empty() {
        words.push("--".to_owned());
        words.extend(arguments.iter().cloned());
    }
    words
}

/// The line of these words. Quotes keep a word with spaces together.
///
/// # Errors
/// A word that cannot be written: there is no way to write a quote.
pub(crate) fn line(words: &[String]) -> Result<String, Diagnostic> {
    let quoted = words.iter().map(|word| {
        if word.contains(['"', '\n', '\0']) {
            let message = format!("a machine cannot be told `{}`", word.escape_debug());
            return Err(
                Diagnostic::new(message).help("its command line has no quotes, and one line")
            );
        }
        Ok(
            match word.is_empty() || word.contains(char::is_whitespace) {
                true => format!("\"{word}\""),
                false => word.clone(),
            },
        )
    });
    Ok(quoted.collect::<Result<Vec<_>, _>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_spaces_are_quoted_and_quotes_are_refused() {
        let arguments = ["--port".to_owned(), String::new()];
        let words = words([("ip", "dhcp"), ("text", "a b")], &arguments);
        let line = super::line(&words).unwrap();
        assert_eq!(line, "ip=dhcp \"text=a b\" -- --port \"\"");
        assert_eq!(super::line(&super::words([], &[])).unwrap(), "");
        assert!(super::line(&["a\"b".to_owned()]).is_err());
        assert!(super::line(&["a\nb".to_owned()]).is_err());
    }
}
