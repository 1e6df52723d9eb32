use super::*;

const HOUR: u32 = 3600;

fn state() -> State {
    State::new(0x42, 0)
}

fn said(valid: Seconds, preferred: Seconds) -> Advertisement {
    Advertisement {
        prefixes: [Prefix {
            prefix: "fd01::".parse().unwrap(),
            len: 64,
            on_link: false,
            autonomous: true,
            valid,
            preferred,
        }]
        .into(),
        ..Advertisement::default()
    }
}

const ROUTER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// What is to be done, without the timer.
fn changes(state: &mut State) -> Vec<Change> {
    let all = state.changes.drain(..);
    all.filter(|change| !matches!(change, Change::Turn(_)))
        .collect()
}

/// How long the address lasts, in seconds from `now` on.
fn lasts(state: &State, now: u64) -> u64 {
    (state.addresses[0].until - now) / SECOND
}

#[test]
fn nobody_ends_an_address_within_two_hours() {
    let mut state = state();
    state.hear(ROUTER, &said(10 * HOUR, HOUR), 0);
    assert_eq!(lasts(&state, 0), 36_000);
    // Less, but more than two hours.
    state.hear(ROUTER, &said(3 * HOUR, HOUR), 0);
    assert_eq!(lasts(&state, 0), 10_800);
    // Less than two hours: two hours are left.
    state.hear(ROUTER, &said(10, 5), 0);
    assert_eq!(lasts(&state, 0), 7200);
    // Less than that are left: nothing changes.
    let later = 3600 * SECOND;
    state.hear(ROUTER, &said(0, 0), later);
    assert_eq!(lasts(&state, later), 3600);
    // More is as good as ever.
    state.hear(ROUTER, &said(HOUR + 1, HOUR), later);
    assert_eq!(lasts(&state, later), 3601);
    state.hear(ROUTER, &said(u32::MAX, u32::MAX), later);
    assert_eq!(state.addresses[0].until, NEVER);
}

#[test]
fn an_address_goes_out_of_use_and_comes_back() {
    let mut state = state();
    state.solicit = NEVER;
    state.hear(ROUTER, &said(HOUR, 10), 0);
    state.turn(SECOND);
    let address = "fd01::42".parse().unwrap();
    assert_eq!(
        changes(&mut state),
        [Change::Probe(address), Change::Add(address)]
    );
    state.turn(10 * SECOND);
    let change = changes(&mut state).pop();
    assert_eq!(change, Some(Change::Deprecate(address, true)));
    state.hear(ROUTER, &said(HOUR, 10), 20 * SECOND);
    let change = changes(&mut state).pop();
    assert_eq!(change, Some(Change::Deprecate(address, false)));
}

#[test]
fn prefixes_that_are_of_no_use_are_passed_over() {
    let mut wrong = [
        said(HOUR, HOUR),
        said(HOUR, 2 * HOUR),
        said(HOUR, HOUR),
        said(0, 0),
    ];
    wrong[0].prefixes[0].len = 56;
    wrong[2].prefixes[0].prefix = "fe80::".parse().unwrap();
    for said in wrong {
        let mut state = state();
        state.solicit = NEVER;
        state.hear(ROUTER, &said, 0);
        assert_eq!(changes(&mut state), []);
    }
    for len in [0, 129, 255] {
        let mut state = state();
        state.solicit = NEVER;
        let mut said = said(HOUR, HOUR);
        (said.prefixes[0].len, said.prefixes[0].on_link) = (len, true);
        state.hear(ROUTER, &said, 0);
        assert_eq!(changes(&mut state), []);
    }
}

#[test]
fn an_mtu_too_small_for_ipv6_is_passed_over() {
    for (mtu, wanted) in [(1279, None), (1280, Some(Change::Mtu(1280)))] {
        let mut state = state();
        state.solicit = NEVER;
        let said = Advertisement {
            mtu: Some(mtu),
            ..Advertisement::default()
        };
        state.hear(ROUTER, &said, 0);
        assert_eq!(changes(&mut state).pop(), wanted);
    }
}
