//! Connections on which a request leaves in one piece.
//!
//! ureq sends the head of a request and then its body; a collector would be woken for each, and on a busy machine each of
//! these takes a processor from somebody.

use std::fmt;
use std::time::Instant;

use ureq::unversioned::transport::time::Duration;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use ureq::Error;

/// With less room than this, what there is is sent.
const LEAST_ROOM: usize = 16 << 10;

/// Makes such connections of others.
#[derive(Debug)]
pub struct InOnePiece;

impl<In: Transport> Connector<In> for InOnePiece {
    type Out = OnePiece<In>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        inner: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let config = details.config;
        let sizes = (config.input_buffer_size(), config.output_buffer_size());
        Ok(inner.map(|inner| OnePiece {
            inner,
            held: Held {
                buffers: LazyBuffers::new(sizes.0, sizes.1),
                amount: 0,
            },
        }))
    }
}

/// Holds what is to be sent until an answer is waited for.
pub struct OnePiece<In> {
    inner: In,
    held: Held,
}

/// Buffers, with what is to be sent at the beginning of the output's.
struct Held {
    buffers: LazyBuffers,
    amount: usize,
}

impl<In: Transport> OnePiece<In> {
    fn send(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        let amount = std::mem::take(&mut self.held.amount);
        let mut left = &self.held.buffers.output()[..amount];
        while !left.is_empty() {
            let output = self.inner.buffers().output();
            let (now, later) = left.split_at(left.len().min(output.len()));
            output[..now.len()].copy_from_slice(now);
            self.inner.transmit_output(now.len(), timeout)?;
            left = later;
        }
        Ok(())
    }
}

impl<In> fmt::Debug for OnePiece<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnePiece")
    }
}

impl<In: Transport> Transport for OnePiece<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.held
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.held.amount += amount;
        if self.held.output().len() < LEAST_ROOM {
            self.send(timeout)?;
        }
        Ok(())
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        // Sending is a part of what there is time for.
        let begin = Instant::now();
        self.send(timeout)?;
        if let Duration::Exact(left) = &mut timeout.after {
            *left = left.saturating_sub(begin.elapsed());
        }
        // What found no room here the last time comes first.
        if self.inner.buffers().input().is_empty() && !self.inner.await_input(timeout)? {
            return Ok(false);
        }
        let inner = self.inner.buffers();
        let room = self.held.buffers.input_append_buf();
        let amount = inner.input().len().min(room.len());
        room[..amount].copy_from_slice(&inner.input()[..amount]);
        inner.input_consume(amount);
        self.held.buffers.input_appended(amount);
        Ok(amount != 0)
    }

    fn is_open(&mut self) -> bool {
        let is_between_requests = self.held.amount == 0 && self.inner.buffers().input().is_empty();
        is_between_requests && self.inner.is_open()
    }
}

impl Buffers for Held {
    fn output(&mut self) -> &mut [u8] {
        &mut self.buffers.output()[self.amount..]
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        let (scratch, output) = self.buffers.tmp_and_output();
        (scratch, &mut output[self.amount..])
    }

    fn input(&self) -> &[u8] {
        self.buffers.input()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.buffers.input_append_buf()
    }

    fn input_appended(&mut self, amount: usize) {
        self.buffers.input_appended(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.buffers.input_consume(amount);
    }

    fn can_use_input(&self) -> bool {
        self.amount == 0 && self.buffers.can_use_input()
    }
}

#[cfg(test)]
mod tests {
    use std::time;

    use super::*;

    const SLOW: time::Duration = time::Duration::from_millis(30);

    /// Writes slowly, answers what it was told to, and remembers both.
    #[derive(Debug)]
    struct Fake {
        buffers: LazyBuffers,
        sent: Vec<Vec<u8>>,
        answers: Vec<&'static [u8]>,
        left: Vec<Duration>,
    }

    impl Transport for Fake {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            std::thread::sleep(SLOW);
            self.sent.push(self.buffers.output()[..amount].to_vec());
            Ok(())
        }

        fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
            self.left.push(timeout.after);
            let Some(answer) = self.answers.pop() else {
                return Ok(false);
            };
            self.buffers.input_append_buf()[..answer.len()].copy_from_slice(answer);
            self.buffers.input_appended(answer.len());
            Ok(true)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    /// With as much room for input, and for output.
    fn one_piece(input: usize, output: usize, answers: Vec<&'static [u8]>) -> OnePiece<Fake> {
        OnePiece {
            inner: Fake {
                buffers: LazyBuffers::new(64, output),
                sent: Vec::new(),
                answers,
                left: Vec::new(),
            },
            held: Held {
                buffers: LazyBuffers::new(input, output),
                amount: 0,
            },
        }
    }

    fn write(to: &mut OnePiece<Fake>, bytes: &[u8], timeout: NextTimeout) {
        to.buffers().output()[..bytes.len()].copy_from_slice(bytes);
        to.transmit_output(bytes.len(), timeout)
            .expect("it is sent");
    }

    fn within(time: time::Duration) -> NextTimeout {
        NextTimeout {
            after: Duration::Exact(time),
            ..NextTimeout::default()
        }
    }

    #[test]
    fn head_and_body_leave_together_and_what_that_takes_is_no_longer_left() {
        let mut whole = one_piece(64, 64 << 10, vec![b"answer"]);
        let time = time::Duration::from_secs(10);
        write(&mut whole, b"head ", within(time));
        write(&mut whole, b"body", within(time));
        assert!(whole.inner.sent.is_empty() && !whole.is_open());
        assert!(whole.await_input(within(time)).expect("it is answered"));
        assert_eq!(whole.inner.sent, [b"head body"]);
        assert!(whole.inner.left[0] <= Duration::Exact(time - SLOW));
        assert_eq!(whole.buffers().input(), b"answer");
        assert!(whole.is_open());
    }

    #[test]
    fn more_than_there_is_room_for_leaves_before() {
        let mut whole = one_piece(64, LEAST_ROOM + 8, Vec::new());
        for part in [&[1; 8][..], &[2; 8], &[3; 4]] {
            write(&mut whole, part, NextTimeout::default());
            assert!(whole.buffers().output().len() >= LEAST_ROOM);
        }
        assert!(!whole
            .await_input(NextTimeout::default())
            .expect("there is no answer"));
        let sent = [[[1; 8], [2; 8]].as_flattened(), &[3; 4]];
        assert_eq!(whole.inner.sent, sent);
    }

    #[test]
    fn input_that_finds_no_room_comes_before_more_is_waited_for() {
        let mut whole = one_piece(4, 64 << 10, vec![b"answer"]);
        assert!(whole
            .await_input(NextTimeout::default())
            .expect("it is answered"));
        assert_eq!(whole.buffers().input(), b"answ");
        assert!(!whole.is_open(), "there is more");
        whole.buffers().input_consume(4);
        assert!(whole
            .await_input(NextTimeout::default())
            .expect("it is there"));
        assert_eq!(whole.buffers().input(), b"er");
        assert_eq!(whole.inner.left.len(), 1);
    }
}
