//! Calls of the sans-IO level and of handles in any order.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use edgepos_ffi::*;

use super::input::Input;
use super::texts::{self, CONFIG};

/// Handles of one kind that a run keeps.
const MAX_KEPT: usize = 64;
/// Most terminals of a run: each restores an empty store.
const MAX_TERMINALS: usize = 3;
/// Outputs that are done in one go.
const MAX_DUTIES: usize = 32;
/// The time of day when a run begins.
const WALL: u64 = 1_700_000_000_000;
/// Times that no clock shows.
const ODD: [u64; 4] = [0, 1 << 63, u64::MAX - 1, u64::MAX];

/// What a program has of the library. What was freed stays in the lists: it is used again, and freed again.
struct Program<'b> {
    input: Input<'b>,
    terminals: Vec<*mut TerminalHandle>,
    outputs: Vec<*mut OutputHandle>,
    texts: Vec<*mut TextHandle>,
    rows: Vec<*mut RowsHandle>,
    now: u64,
    wall: u64,
}

/// Calls in the order, with the handles and with the texts that the input chooses: each is answered, none fails inside the library, and an
/// output is written by a call that is done and by no other. How many calls were made.
///
/// # Panics
/// When one is answered otherwise.
pub fn c_calls(input: &[u8]) -> usize {
    let mut program = Program {
        input: Input::new(input),
        terminals: Vec::new(),
        outputs: Vec::new(),
        texts: Vec::new(),
        rows: Vec::new(),
        now: 1,
        wall: WALL,
    };
    program.start();
    let mut calls = 1;
    while !program.input.is_empty() {
        program.step();
        calls += 1;
    }
    program.terminals.iter().for_each(|handle| edgepos_terminal_free(*handle));
    program.outputs.iter().for_each(|handle| edgepos_output_free(*handle));
    program.texts.iter().for_each(|handle| edgepos_text_free(*handle));
    program.rows.iter().for_each(|handle| edgepos_rows_free(*handle));
    calls
}

/// One that lives or lived, NULL, or a number that was never given.
fn some<T>(input: &mut Input<'_>, all: &[*mut T]) -> *mut T {
    match input.below(8) {
        0 => ptr::null_mut(),
        1 => ptr::without_provenance_mut(input.number(16) as usize),
        _ => all.get(input.below(all.len())).copied().unwrap_or(ptr::null_mut()),
    }
}

fn detail() -> String {
    // SAFETY: a zero byte stands behind it, and it lives as long as this thread.
    unsafe { CStr::from_ptr(edgepos_last_detail()) }.to_string_lossy().into_owned()
}

/// Checks a status, and keeps what was given.
fn given<T>(status: i32, out: *mut T, all: &mut Vec<*mut T>) {
    assert_ne!(status, EDGEPOS_POISONED, "{}", detail());
    assert_eq!(status == EDGEPOS_OK, !out.is_null(), "an output is written by a call that is done alone");
    if !out.is_null() {
        if all.len() >= MAX_KEPT {
            all.swap_remove(0);
        }
        all.push(out);
    }
}

fn answered(status: i32) {
    assert_ne!(status, EDGEPOS_POISONED, "{}", detail());
    assert!((-17..=2).contains(&status), "{status} is no status");
    assert_eq!(
        status < EDGEPOS_OK,
        !detail().is_empty(),
        "a failure is explained, and nothing else: {}",
        detail()
    );
}

impl Program<'_> {
    /// Time goes by. Now and then a clock is off, and the other one goes back.
    fn goes_by(&mut self) {
        let passed = self.input.number(20) % 100_000;
        self.now = self.now.saturating_add(passed);
        self.wall = self.wall.saturating_add(passed);
        match self.input.byte() {
            0 => self.wall = ODD[self.input.below(ODD.len())],
            1 => self.wall = WALL,
            2 => self.now /= 2,
            3 if self.input.byte() == 0 => self.now = ODD[self.input.below(ODD.len())],
            _ => {}
        }
    }

    fn text(&mut self) -> Vec<u8> {
        let (which, cut) = (self.input.below(texts::KINDS), self.input.byte());
        let instead = if which >= texts::KINDS - 2 { self.input.bytes(300) } else { &[] };
        texts::text(which, cut, instead)
    }

    fn start(&mut self) {
        if self.terminals.len() >= MAX_TERMINALS {
            return;
        }
        let text = if self.input.byte() < 250 { CONFIG.as_bytes().to_vec() } else { self.text() };
        let mut out = ptr::null_mut();
        // SAFETY: the text and the place for the handle live as long as the call.
        let status = unsafe {
            edgepos_terminal_new(
                text.as_ptr().cast(),
                text.len(),
                self.now,
                self.wall,
                self.now,
                0,
                None,
                ptr::null_mut::<c_void>(),
                &mut out,
            )
        };
        given(status, out, &mut self.terminals);
    }

    fn step(&mut self) {
        self.goes_by();
        match self.input.below(16) {
            0..=3 => self.asks(),
            4 | 5 => self.tells(),
            6 | 7 => self.reads(),
            8 => self.shows(),
            9 => self.looks_at_an_output(),
            10 => self.frees(),
            11 => self.start(),
            _ => self.does_what_is_due(),
        }
    }

    /// What an application wants.
    fn asks(&mut self) {
        let t = some(&mut self.input, &self.terminals);
        let (text, now, wall) = (self.text(), self.now, self.wall);
        let (request, m) = (self.input.number(7), self.input.number(1) as u32);
        let mut level = 0;
        // NULL with a length is refused, and with none it is an empty text.
        let null = self.input.byte() == 0;
        let (data, length): (*const c_char, usize) =
            (if null { ptr::null() } else { text.as_ptr().cast() }, text.len());
        // SAFETY: a text is NULL, or has its length.
        answered(unsafe {
            match self.input.below(17) {
                0 => edgepos_terminal_begin(t, now, wall, request, data, length),
                1 => edgepos_terminal_update(t, now, wall, request, data, length),
                2 => edgepos_terminal_commit(t, now, wall, request, data, length),
                3 => edgepos_terminal_abandon(t, now, wall, request, data, length),
                4 => edgepos_terminal_park(t, now, wall, request, data, length),
                5 => edgepos_terminal_claim(t, now, wall, request, data, length),
                6 => edgepos_terminal_record(t, now, wall, request, m, data, length),
                7 => edgepos_terminal_ask_counter(t, now, wall, request, m, m, m & 3, data.cast(), length),
                8 => edgepos_terminal_resolve(t, now, wall, request, data, length),
                9 => edgepos_terminal_report_condition(t, now, wall, data, length, request, data, length),
                10 => edgepos_terminal_admit(t, now, wall, request),
                11 => edgepos_terminal_retire(t, now, wall, request),
                12 => edgepos_terminal_replace(t, now, wall, m as u16, m),
                13 => edgepos_terminal_raise_level(t, now, wall, &mut level),
                14 => edgepos_terminal_ask_baskets(t, now, wall, request, data, length),
                15 => edgepos_terminal_keep_key(t, now, wall, request, data, length),
                _ => edgepos_terminal_write_off(t, now, wall, m as u16),
            }
        });
    }

    /// What happened in the world.
    fn tells(&mut self) {
        let t = some(&mut self.input, &self.terminals);
        let o = some(&mut self.input, &self.outputs);
        let r = some(&mut self.input, &self.rows);
        let (text, now, wall) = (self.text(), self.now, self.wall);
        let (n, m) = (self.input.number(1), self.input.number(1) as u32);
        let id = if self.input.byte() < 200 { edgepos_output_id(o) } else { n };
        // SAFETY: a text has its length.
        answered(unsafe {
            match self.input.below(14) {
                0 | 1 => edgepos_terminal_timeout(t, now, wall),
                2 => edgepos_terminal_persisted(t, now, wall, id),
                3 => edgepos_terminal_loaded(t, now, wall, id, r),
                4 => edgepos_terminal_peer_up(t, now, wall, n, n),
                5 => edgepos_terminal_peer_lost(t, now, wall, n, n),
                6 => edgepos_terminal_frame(t, now, wall, n, n, text.as_ptr(), text.len()),
                7 => edgepos_terminal_answered(t, now, wall, id, text.as_ptr(), text.len()),
                8 => edgepos_terminal_unanswered(t, now, wall, id, m & 7, m),
                9 => edgepos_terminal_disk(t, now, wall, n, n, m & 3),
                10 => edgepos_terminal_cloud_time(t, now, wall, n),
                11 => edgepos_terminal_flush(t, now, wall),
                12 => edgepos_terminal_step_down(t, now, wall),
                _ if m == 9 => edgepos_terminal_stop(t, text.as_ptr().cast(), text.len()),
                _ => edgepos_terminal_write_rows(t),
            }
        });
    }

    /// Getters that answer with JSON.
    fn reads(&mut self) {
        let t = some(&mut self.input, &self.terminals);
        let (text, m) = (self.text(), self.input.number(1) as u32);
        let (now, wall, mut out) = (self.now, self.wall, ptr::null_mut());
        let (data, length): (*const c_char, usize) = (text.as_ptr().cast(), text.len());
        // SAFETY: a text has its length, and the place for the answer lives as long as the call.
        let status = unsafe {
            match self.input.below(14) {
                0 => edgepos_terminal_status(t, &mut out),
                1 => edgepos_terminal_diagnosis(t, now, wall, &mut out),
                2 => edgepos_terminal_elections(t, now, wall, &mut out),
                3 => edgepos_terminal_unresolved(t, &mut out),
                4 => edgepos_terminal_unresolved_payments(t, &mut out),
                5 => edgepos_terminal_counters_after(t, m, data, length, &mut out),
                6 => edgepos_terminal_open_exceptions(t, data, length, &mut out),
                7 => edgepos_terminal_resolutions(t, data, length, &mut out),
                8 => edgepos_terminal_product(t, data, length, &mut out),
                9 => edgepos_terminal_price(t, data, length, m as u16, now, &mut out),
                10 => edgepos_terminal_product_at(t, data, length, now, &mut out),
                11 => edgepos_terminal_durable(t, &mut out),
                12 => edgepos_terminal_lost(t, &mut out),
                _ => edgepos_forecast(data, length, &mut out),
            }
        };
        given(status, out, &mut self.texts);
    }

    /// Getters that answer with a number, and one of another type's handle.
    fn shows(&mut self) {
        let t = some(&mut self.input, &self.terminals);
        let (text, m) = (self.text(), self.input.number(1) as u32);
        let (mut number, mut small, mut signed, mut out) = (0, 0, 0, ptr::null_mut());
        // SAFETY: a text has its length, and each place lives as long as the call.
        answered(unsafe {
            match self.input.below(7) {
                0 => edgepos_terminal_me(t, &mut number),
                1 => edgepos_terminal_promised(t, &mut number),
                2 => edgepos_terminal_poll_timeout(t, &mut number),
                3 => edgepos_terminal_durability(t, text.as_ptr().cast(), text.len(), &mut small),
                4 => edgepos_terminal_counter(t, m, m, m & 3, text.as_ptr(), text.len(), &mut signed),
                5 => edgepos_terminal_is_stopped(t),
                _ => edgepos_node_status(t.cast_const().cast(), &mut out),
            }
        });
    }

    fn looks_at_an_output(&mut self) {
        let o = some(&mut self.input, &self.outputs);
        let at = self.input.number(1) as usize;
        let (mut space, mut bytes, mut number, mut out) = (0, ptr::null(), 0, ptr::null_mut());
        let (mut limit, mut peer, mut connection) = (0, 0, 0);
        // SAFETY: each place lives as long as the call, and what they get is read before the output is freed.
        unsafe {
            let status = match self.input.below(8) {
                0 => edgepos_output_row(o, at, &mut space, &mut bytes, &mut number),
                1 => edgepos_output_value(o, at, &mut bytes, &mut number),
                2 => edgepos_output_load_to(o, &mut bytes, &mut number),
                3 => edgepos_output_request(o, &mut bytes, &mut number),
                4 => edgepos_output_load(o, &mut space, &mut bytes, &mut number, &mut limit),
                5 => edgepos_output_frame(o, &mut peer, &mut connection, &mut bytes, &mut number),
                6 => return given(edgepos_output_reply(o, &mut out), out, &mut self.texts),
                _ => return given(edgepos_output_notice(o, &mut out), out, &mut self.texts),
            };
            answered(status);
            assert!(edgepos_output_writes(o) < 1 << 20);
            if status == EDGEPOS_OK && number > 0 {
                // What was lent can be read to its end.
                let all = std::slice::from_raw_parts(bytes, number);
                assert!(all.iter().map(|byte| u64::from(*byte)).sum::<u64>() < u64::MAX);
            }
        }
    }

    fn frees(&mut self) {
        let text = some(&mut self.input, &self.texts);
        // SAFETY: a text that lives has its length, and a zero byte stands behind it.
        unsafe {
            let (data, length) = (edgepos_text_data(text), edgepos_text_length(text));
            assert!(data.is_null() || *data.add(length) == 0);
        }
        edgepos_text_free(text);
        edgepos_output_free(some(&mut self.input, &self.outputs));
        match self.input.byte() {
            0 => edgepos_terminal_free(some(&mut self.input, &self.terminals)),
            1..=60 => edgepos_rows_free(some(&mut self.input, &self.rows)),
            _ => {
                let (mut rows, text) = (ptr::null_mut(), self.text());
                // SAFETY: a text has its length, and the place for the handle lives as long as the call.
                unsafe {
                    let status = edgepos_rows_new(&mut rows);
                    given(status, rows, &mut self.rows);
                    answered(edgepos_rows_add(rows, text.as_ptr(), text.len(), text.as_ptr(), text.len()));
                }
            }
        }
    }

    /// What an honest caller does: takes the outputs in order, has what is to be written on disk, and finds nothing where it is to read.
    fn does_what_is_due(&mut self) {
        let t =
            self.terminals.get(self.input.below(self.terminals.len())).copied().unwrap_or(ptr::null_mut());
        for _ in 0..MAX_DUTIES {
            let mut output = ptr::null_mut();
            // SAFETY: the place for the handle lives as long as the call.
            let status = unsafe { edgepos_terminal_poll_output(t, &mut output) };
            given(status, output, &mut self.outputs);
            if status != EDGEPOS_OK {
                return;
            }
            let (now, wall, id) = (self.now, self.wall, edgepos_output_id(output));
            match edgepos_output_kind(output) {
                EDGEPOS_PERSIST | EDGEPOS_WRITE => answered(edgepos_terminal_persisted(t, now, wall, id)),
                EDGEPOS_LOAD => {
                    let mut rows = ptr::null_mut();
                    // SAFETY: the place for the handle lives as long as the call.
                    let status = unsafe { edgepos_rows_new(&mut rows) };
                    assert_eq!(status, EDGEPOS_OK);
                    answered(edgepos_terminal_loaded(t, now, wall, id, rows));
                    edgepos_rows_free(rows);
                }
                _ => {}
            }
        }
    }
}
