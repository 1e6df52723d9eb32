//! A session that others recorded, with all its keys: the capture `wireguard-ping-tcp.pcap` of Wireshark's tests.

use alloc::vec::Vec;

use super::*;
use crate::mac::{MacKeys, first_code};
use crate::message::{self, INITIATION, RESPONSE, TAG, TRANSPORT_HEADER};
use crate::tests::hex;

const PRIVATE_A: &str = "AKeZaHwBxjiKLFnkY2unvEdOTtg4AL+M9dQXfopFVFk=";
const PUBLIC_A: &str = "Igge9KzRytKNwrgkzDE/8hrLu6Ly0OqVdvOPWhA5KR4=";
const EPHEMERAL_A: &str = "sLGLJSOQfyz7JNJ5ZDzFf3Uz1rkiCMMjbWerNYcPFFU=";
const PRIVATE_B: &str = "cFIxTUyBs1Qil414hBwEgvasEax8CKJ5IS5ZougplWs=";
const PUBLIC_B: &str = "YDCttCs9e1J52/g9vEnwJJa+2x6RqaayAYMpSVQfGEY=";
const EPHEMERAL_B: &str = "QC4/FZKhFf0b/eXEcCecmZNt6V6PXmRa4EWG1PIYTU4=";

const FIRST: &str = concat!(
    "01000000d837d0305fcec7c8e5c8e2e3f7989eef60c228d82329d602b6b1e2bb9d068f89cf9d4d4532780f6d27264f7b98701fdc27a4ec",
    "00aeb6becdbef2332f1b4084cadb93823935c012ae255e7b25eff13940c321fa6bd66a2a87b061db1430173e937f569349de2856dc5f26",
    "16763eeeafc0533b01dd965e7ec76976e28f683d671200000000000000000000000000000000",
);
const SECOND: &str = concat!(
    "0200000006f47dabd837d030b18d5550bd4042a37a46823ac08db1ec66839bc0ca2d64bc15cd80232b66232faec24af8918de1060ff5c9",
    "8e865d5f35f272214c5260110dc4c61e32cdd8542100000000000000000000000000000000",
);
const PING: &str = concat!(
    "0400000006f47dab0000000000000000a4ebc12ee3f990da18033a0789c04e2700f6f5c271d42ac4b4d6262e666549b445a7436e829bff",
    "b6ac65f05648bc0c391fe7c5884874376127164940188f03dba67af8388eaab76c593628bf9dc7be03346d912e916dad862545454701364f2d",
    "2486d7ced4c8642ce547ddb26ef6a46b",
);
const PONG: &str = concat!(
    "04000000d837d03000000000000000006f4f080e9f52691bbe948535f79c13ed68f09145d523eedb087265f968082f70735729263eda62",
    "7c7683cdc0b80a3356d9536c9f0e2872797b5c81720ba0b8ea7233c6debf9f0fbee8f10ec18985b824bf350f8b8180d08a64e6be9810089ac3",
    "d1363ed5e129ca1e0425cf7e94965659",
);

fn key(text: &str) -> Key {
    Key::parse(text).unwrap()
}

/// What is sealed in a message, opened with these keys.
fn open(keys: &StatelessTransportState, message: &str) -> Vec<u8> {
    let message = hex(message);
    let sealed = &message[TRANSPORT_HEADER..];
    let mut packet = alloc::vec![0; sealed.len() - TAG];
    keys.read_message(0, sealed, &mut packet).unwrap();
    packet
}

#[test]
fn a_recorded_handshake_comes_out_the_same_to_the_last_byte() {
    let (first, second) = (hex(FIRST), hex(SECOND));
    let first: &[u8; INITIATION] = first.as_slice().try_into().unwrap();
    let second: &[u8; RESPONSE] = second.as_slice().try_into().unwrap();
    let (a, b) = (
        Noise::new(key(PRIVATE_A)).unwrap(),
        Noise::new(key(PRIVATE_B)).unwrap(),
    );
    let (ephemeral_a, ephemeral_b) = (key(EPHEMERAL_A), key(EPHEMERAL_B));
    // B hears who speaks, and when.
    let builder = b.builder().unwrap();
    let builder = builder.fixed_ephemeral_key_for_testing_only(&ephemeral_b.0);
    let heard = hear(builder, message::initiation_noise(first)).unwrap();
    assert_eq!(heard.peer, key(PUBLIC_A));
    assert_eq!(heard.timestamp.0[8..], 356_537_872_u32.to_be_bytes());
    assert!(MacKeys::new(&key(PUBLIC_B)).is_signed(first));
    assert!(!MacKeys::new(&key(PUBLIC_A)).is_signed(first));

    // A says the same.
    let public = key(PUBLIC_B);
    let builder = a.builder().unwrap();
    let builder = builder.fixed_ephemeral_key_for_testing_only(&ephemeral_a.0);
    let builder = builder.remote_public_key(&public.0).unwrap();
    let builder = builder.psk(PSK, &Key::NONE.0).unwrap();
    let (state, noise) = begin(builder, heard.timestamp).unwrap();
    let mut ours = message::initiation(message::sender(first), &noise);
    MacKeys::new(&public).sign(&mut ours, None);
    assert_eq!(&ours, first);

    // So does B, in answer.
    let (keys_b, noise) = heard.answer(&Key::NONE).unwrap();
    let mut ours = message::response(message::sender(second), message::sender(first), &noise);
    MacKeys::new(&key(PUBLIC_A)).sign(&mut ours, None);
    assert_eq!(&ours, second);
    assert_eq!(first_code(&ours), first_code(second));

    // Both open what the other sealed: an echo request, and the reply.
    let keys_a = finish(&mut Some(state), message::response_noise(second)).unwrap();
    let (ping, pong) = (open(&keys_b, PING), open(&keys_a, PONG));
    assert_eq!((ping[9], ping[20], pong[9], pong[20]), (1, 8, 1, 0));
    assert_eq!(ping[12..16], pong[16..20]);
    let mut sealed = alloc::vec![0; ping.len() + TAG];
    keys_a.write_message(0, &ping, &mut sealed).unwrap();
    assert_eq!(sealed, hex(PING)[TRANSPORT_HEADER..]);
}

#[test]
fn a_forged_answer_leaves_the_handshake_as_it_was() {
    let (a, b) = (
        Noise::new(key(PRIVATE_A)).unwrap(),
        Noise::new(key(PRIVATE_B)).unwrap(),
    );
    let psk = Key([5; 32]);
    let (state, first) = a.initiate(&key(PUBLIC_B), &psk, Timestamp::new(1)).unwrap();
    let (_, second) = b.hear(&first).unwrap().answer(&psk).unwrap();
    let mut state = Some(state);
    for at in 0..MESSAGE_2 {
        let mut forged = second;
        forged[at] ^= 0x40;
        assert!(finish(&mut state, &forged).is_err(), "byte {at}");
    }
    let (_, other) = b.hear(&first).unwrap().answer(&Key::NONE).unwrap();
    assert!(finish(&mut state, &other).is_err());
    assert!(finish(&mut state, &second).is_ok());
    assert!(finish(&mut state, &second).is_err());
}

#[test]
fn a_forged_first_message_is_refused() {
    let (a, b) = (
        Noise::new(key(PRIVATE_A)).unwrap(),
        Noise::new(key(PRIVATE_B)).unwrap(),
    );
    let (_, first) = a
        .initiate(&key(PUBLIC_B), &Key::NONE, Timestamp::new(1))
        .unwrap();
    for at in 0..MESSAGE_1 {
        let mut forged = first;
        forged[at] ^= 0x40;
        assert!(b.hear(&forged).is_err(), "byte {at}");
    }
    assert!(b.hear(&first[1..]).is_err() && b.hear(&[]).is_err());
    assert!(a.hear(&first).is_err());
}
