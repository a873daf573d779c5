//! Calls in a random order with arguments of all kinds: each is answered, none breaks the library, and an output is written only by a
//! call that is done. A seed repeats its run.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::ffi::{c_char, c_void};
use std::ptr;

use edgepos::core::Jitter;
use edgepos_ffi::*;

const CALLS: usize = 3_000;
const CONFIG: &str = "terminal = 1\nstore = \"07070707070707070707070707070707\"\ndatabase = \"-\"\n\
                      listen = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n";
const B: &str = "000000000000000000000000000000b1";

/// What a till may say, from whole to broken.
fn texts() -> Vec<Vec<u8>> {
    let line = "{\"no\":1,\"product\":\"milk\",\"quantity\":2,\"amount\":258}";
    let whole = [
        format!("{{\"basket\":\"{B}\",\"currency\":\"EUR\",\"lines\":[{line}]}}"),
        format!("{{\"basket\":\"{B}\",\"key\":\"{B}\",\"tenders\":[{{\"kind\":\"cash\",\"amount\":258}}]}}"),
        "{\"type\":\"stock_received\",\"from\":\"x\",\"lines\":[{\"product\":\"milk\",\"quantity\":9}]}".into(),
        "{\"type\":\"custom\",\"body\":\"x\",\"effects\":[{\"counter\":40000,\"key\":\"x\",\"delta\":-9223372036854775808}]}".into(),
        "{\"type\":\"day_opened\",\"day\":20261130}".into(),
        B.into(),
        "1-0123456789ab/0:17".into(),
        "1-0123456789ab".into(),
        "{\"1-0123456789ab/0\":18446744073709551615}".into(),
        "milk".into(),
        "00000000000000".into(),
        CONFIG.into(),
        String::new(),
    ];
    let mut all: Vec<Vec<u8>> = whole.iter().map(|text| text.as_bytes().to_vec()).collect();
    let cut = all.iter().map(|text| text[..text.len() / 2].to_vec()).collect::<Vec<_>>();
    all.extend(cut);
    all.extend([vec![0xff, 0xfe], vec![b'['; 70_000], vec![0; 9]]);
    all
}

fn below(draw: &mut Jitter, end: u64) -> u64 {
    draw.next_u64() % end
}

struct Run {
    draw: Jitter,
    texts: Vec<Vec<u8>>,
    terminals: Vec<*mut TerminalHandle>,
    outputs: Vec<*mut OutputHandle>,
    answers: Vec<*mut TextHandle>,
    rows: Vec<*mut RowsHandle>,
    now: u64,
}

/// One that lived, one that was freed, NULL, or a number that was never given.
fn some<T>(draw: &mut Jitter, all: &[*mut T]) -> *mut T {
    match (below(draw, 8), all.len()) {
        (0, _) | (_, 0) => ptr::null_mut(),
        (1, _) => ptr::without_provenance_mut(usize::try_from(below(draw, 1 << 20)).unwrap()),
        (_, count) => all[usize::try_from(below(draw, count as u64)).unwrap()],
    }
}

impl Run {
    fn text(&mut self) -> (*const c_char, usize) {
        let at = usize::try_from(below(&mut self.draw, self.texts.len() as u64 + 1)).unwrap();
        self.texts.get(at).map_or((ptr::null(), 7), |text| (text.as_ptr().cast(), text.len()))
    }

    fn number(&mut self) -> u64 {
        [0, 1, 2, 7, 6, 65_535, 65_536, 1 << 40, u64::MAX][usize::try_from(below(&mut self.draw, 9)).unwrap()]
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.number() & 0xffff_ffff).unwrap()
    }

    /// Checks a status, and keeps what was given.
    fn given<T>(status: i32, out: *mut T, all: &mut Vec<*mut T>) {
        assert_ne!(status, EDGEPOS_POISONED, "{}", detail());
        assert_eq!(
            status == EDGEPOS_OK,
            !out.is_null(),
            "an output is written by a call that is done, and by no other"
        );
        if !out.is_null() {
            all.push(out);
        }
    }

    fn step(&mut self) {
        self.now += below(&mut self.draw, 700);
        let (now, wall) = (self.now, 1_700_000_000_000 + self.now);
        let t = some(&mut self.draw, &self.terminals);
        let o = some(&mut self.draw, &self.outputs);
        let r = some(&mut self.draw, &self.rows);
        let ((text, length), n, m) = (self.text(), self.number(), self.small());
        let (mut answer, mut output, mut rows) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let (mut place, mut bytes, mut number) = (0, ptr::null(), 0);
        // SAFETY: a text is NULL with a length, which is refused, or has its length; every output is a place of this call.
        let status = unsafe {
            match below(&mut self.draw, 30) {
                0 => edgepos_terminal_begin(t, now, wall, n, text, length),
                1 => edgepos_terminal_commit(t, now, wall, n, text, length),
                2 => edgepos_terminal_abandon(t, now, wall, n, text, length),
                3 => edgepos_terminal_park(t, now, wall, n, text, length),
                4 => edgepos_terminal_claim(t, now, wall, n, text, length),
                5 => edgepos_terminal_record(t, now, wall, n, m, text, length),
                6 => edgepos_terminal_ask_counter(t, now, wall, n, m, m, m & 3, text.cast(), length),
                7 => edgepos_terminal_timeout(t, now, wall),
                8 => edgepos_terminal_loaded(t, now, wall, edgepos_output_id(o), r),
                9 => edgepos_terminal_peer_up(t, now, wall, n, n),
                10 => edgepos_terminal_frame(t, now, wall, n, n, text.cast(), length),
                11 => edgepos_terminal_answered(t, now, wall, edgepos_output_id(o), text.cast(), length),
                12 => edgepos_terminal_unanswered(t, now, wall, edgepos_output_id(o), m & 7, m),
                13 => edgepos_terminal_disk(t, now, wall, n, n, m & 3),
                14 => edgepos_terminal_cloud_time(t, now, wall, n),
                15 => edgepos_terminal_admit(t, now, wall, n),
                16 => edgepos_terminal_retire(t, now, wall, n),
                17 => edgepos_terminal_replace(t, now, wall, 1, m),
                18 => edgepos_rows_add(r, text.cast(), length, text.cast(), length),
                19 => edgepos_output_row(o, (n & 3) as usize, &mut place, &mut bytes, &mut number),
                20 => edgepos_output_value(o, (n & 3) as usize, &mut bytes, &mut number),
                21 => edgepos_output_load_to(o, &mut bytes, &mut number),
                22 => edgepos_output_request(o, &mut bytes, &mut number),
                23 => edgepos_terminal_report_condition(t, now, wall, text, length, n, text, length),
                24 => {
                    let status = edgepos_rows_new(&mut rows);
                    return Self::given(status, rows, &mut self.rows);
                }
                25 => {
                    let status = edgepos_terminal_status(t, &mut answer);
                    return Self::given(status, answer, &mut self.answers);
                }
                26 => {
                    let status = edgepos_output_reply(o, &mut answer);
                    return Self::given(status, answer, &mut self.answers);
                }
                27 => {
                    let status = edgepos_terminal_counters_after(t, m, text, length, &mut answer);
                    return Self::given(status, answer, &mut self.answers);
                }
                28 => {
                    // What was freed stays in the lists: it is used again, and freed again.
                    edgepos_text_free(some(&mut self.draw, &self.answers));
                    edgepos_output_free(o);
                    edgepos_rows_free(if n == 1 { r } else { ptr::null_mut() });
                    EDGEPOS_OK
                }
                _ => {
                    let status = edgepos_terminal_poll_output(t, &mut output);
                    Self::given(status, output, &mut self.outputs);
                    let kind = edgepos_output_kind(output);
                    match kind {
                        EDGEPOS_PERSIST | EDGEPOS_WRITE => {
                            edgepos_terminal_persisted(t, now, wall, edgepos_output_id(output))
                        }
                        _ => status,
                    }
                }
            }
        };
        assert_ne!(status, EDGEPOS_POISONED, "{}", detail());
    }

    fn start(&mut self) {
        let mut out = ptr::null_mut();
        // SAFETY: the text and the place for the handle live as long as the call.
        let status = unsafe {
            edgepos_terminal_new(
                CONFIG.as_ptr().cast(),
                CONFIG.len(),
                self.now,
                1_700_000_000_000 + self.now,
                self.now,
                0,
                None,
                ptr::null_mut::<c_void>(),
                &mut out,
            )
        };
        Self::given(status, out, &mut self.terminals);
    }
}

fn detail() -> String {
    // SAFETY: a zero byte stands behind it.
    unsafe { std::ffi::CStr::from_ptr(edgepos_last_detail()) }.to_string_lossy().into_owned()
}

#[test]
fn random_calls_are_answered() {
    for seed in 0..8 {
        println!("seed {seed}");
        let mut run = Run {
            draw: Jitter::derive(seed, &[]),
            texts: texts(),
            terminals: Vec::new(),
            outputs: Vec::new(),
            answers: Vec::new(),
            rows: Vec::new(),
            now: 1,
        };
        run.start();
        for _ in 0..CALLS {
            run.step();
        }
        assert!(run.outputs.len() > 20 && run.answers.len() > 50, "most calls were refused");
        run.terminals.iter().for_each(|handle| edgepos_terminal_free(*handle));
        run.outputs.iter().for_each(|handle| edgepos_output_free(*handle));
        run.answers.iter().for_each(|handle| edgepos_text_free(*handle));
        run.rows.iter().for_each(|handle| edgepos_rows_free(*handle));
    }
}
