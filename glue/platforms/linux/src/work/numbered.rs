//! Things with numbers that only grow, in the order of these. A tree would need as much code for each kind of thing as
//! some drivers have; there are few, and they seldom come and go.

/// A table of things.
pub(super) struct Numbered<T>(Vec<(u64, T)>);

impl<T> Numbered<T> {
    pub(super) const fn new() -> Self {
        Numbered(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a thing, whose number is larger than those there were.
    pub(super) fn add(&mut self, number: u64, thing: T) {
        self.0.push((number, thing));
    }

    pub(super) fn get(&self, number: u64) -> Option<&T> {
        self.place(number).map(|place| &self.0[place].1)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.place(number).map(|place| &mut self.0[place].1)
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        self.place(number).map(|place| self.0.remove(place).1)
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.0.binary_search_by_key(&number, |(it, _)| *it).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_found_till_they_are_removed() {
        let mut things = Numbered::new();
        assert!(things.is_empty());
        for number in [1, 5, 6] {
            things.add(number, number * 10);
        }
        *things.get_mut(6).unwrap() += 1;
        assert_eq!(
            [1, 2, 5, 6].map(|it| things.get(it).copied()),
            [Some(10), None, Some(50), Some(61)]
        );
        assert_eq!([5, 5].map(|it| things.remove(it)), [Some(50), None]);
        assert_eq!(
            [1, 5, 6].map(|it| things.get(it).copied()),
            [Some(10), None, Some(61)]
        );
    }
}
