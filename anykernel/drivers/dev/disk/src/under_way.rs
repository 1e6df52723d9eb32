//! Requests that the host has, by the numbers it knows them by.

use alloc::vec::Vec;

use dev::Request;

/// Requests under way, and places that are free.
#[derive(Default)]
pub(crate) struct UnderWay {
    places: Vec<Option<Request>>,
    free: Vec<usize>,
}

impl UnderWay {
    /// Keeps a request, and says by which number. Its buffer stays where it is until it is taken.
    pub(crate) fn add(&mut self, request: Request) -> u64 {
        match self.free.pop() {
            Some(place) => {
                self.places[place] = Some(request);
                place as u64
            }
            None => {
                self.places.push(Some(request));
                self.places.len() as u64 - 1
            }
        }
    }

    /// Takes the request of a number, if there is one.
    pub(crate) fn take(&mut self, number: u64) -> Option<Request> {
        let place = usize::try_from(number).ok()?;
        let request = self.places.get_mut(place)?.take()?;
        self.free.push(place);
        Some(request)
    }

    /// Takes all.
    pub(crate) fn take_all(&mut self) -> Vec<Request> {
        self.free.clear();
        self.places.drain(..).flatten().collect()
    }
}
