//! What a mistyped name was probably meant to be.

/// The known name nearest to `name`, where one is near enough to be a slip of the fingers.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = (name.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Advice for an unknown name: the nearest known one, or all of them where none is near.
pub fn advice<'a, I>(name: &str, what: &str, known: I) -> String
where
    I: IntoIterator<Item = &'a str>,
{
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => format!("there are no {what}"),
        None => format!("known {what}: {}", list(known)),
    }
}

/// Names in backquotes, joined by commas.
pub fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = ["widget", "gadget", "alpha"];
        assert_eq!(nearest("wigdet", known), Some("widget"));
        assert_eq!(nearest("alph", known), Some("alpha"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(
            advice("zzz", "things", known),
            "known things: `widget`, `gadget`, `alpha`"
        );
    }
}
