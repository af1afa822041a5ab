//! Trace contexts as text: W3C's `traceparent`, <https://www.w3.org/TR/trace-context/#traceparent-header>.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::ring::span::TraceContext;

/// Bytes of version 00: two digits of version, 32 of trace id, 16 of parent id and two of flags, with dashes between them.
pub const TRACEPARENT: usize = 55;

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("00-")?;
        self.trace_id
            .iter()
            .try_for_each(|b| write!(f, "{b:02x}"))?;
        f.write_str("-")?;
        self.parent_id
            .iter()
            .try_for_each(|b| write!(f, "{b:02x}"))?;
        write!(f, "-{:02x}", u8::from(self.is_sampled()))
    }
}

impl FromStr for TraceContext {
    type Err = Error;

    /// Later versions than 00 may have more behind the flags.
    fn from_str(text: &str) -> Result<Self, Error> {
        const WRONG: Error = Error::InvalidArgument(
            "not a traceparent: two hexadecimal digits of version, 32 of trace id, 16 of parent id and 2 of flags, \
             all lower case, with dashes between them and no id zero",
        );
        let bytes = text.as_bytes();
        if bytes.len() < TRACEPARENT {
            return Err(WRONG);
        }
        let (head, tail) = bytes.split_at(TRACEPARENT);
        let dashes = [2, 35, 52].iter().all(|&i| head[i] == b'-');
        let ([version], [flags]) = (hex(&head[..2])?, hex(&head[53..])?);
        let context = Self {
            trace_id: hex(&head[3..35])?,
            parent_id: hex(&head[36..52])?,
            flags: u64::from(flags) & Self::SAMPLED,
        };
        let whole = match version {
            0 => tail.is_empty(),
            0xff => false,
            _ => tail.is_empty() || tail[0] == b'-',
        };
        return match dashes && whole && context.is_valid() {
            true => Ok(context),
            false => Err(WRONG),
        };

        fn hex<const N: usize>(digits: &[u8]) -> Result<[u8; N], Error> {
            let mut bytes = [0; N];
            for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                let digit = |c: u8| match c {
                    b'0'..=b'9' => Ok(c - b'0'),
                    b'a'..=b'f' => Ok(c - b'a' + 10),
                    _ => Err(WRONG),
                };
                *byte = digit(pair[0])? << 4 | digit(pair[1])?;
            }
            Ok(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let context: TraceContext = GOOD.parse().unwrap();
        assert_eq!(context.trace_id[..2], [0x0a, 0xf7]);
        assert_eq!(context.parent_id[7], 0x31);
        assert!(context.is_sampled());
        assert_eq!(context.to_string(), GOOD);
        assert_eq!(context.to_string().len(), TRACEPARENT);
        let unsampled: TraceContext = GOOD.replace("-01", "-02").parse().unwrap();
        assert!(!unsampled.is_sampled());
        // What later versions have more is not looked at.
        let later = GOOD.replacen("00", "cc", 1);
        assert!(later.parse::<TraceContext>().is_ok());
        assert!((later + "-what").parse::<TraceContext>().is_ok());
    }

    #[test]
    fn what_is_not_one_is_refused() {
        let zeros = |id: &str| GOOD.replace(id, &"0".repeat(id.len()));
        let wrong = [
            String::new(),
            GOOD[..54].into(),
            format!("{GOOD}-00"),
            format!("{GOOD} "),
            GOOD.to_uppercase(),
            GOOD.replace('-', "_"),
            GOOD.replacen("00", "ff", 1),
            GOOD.replacen("00", "cc", 1) + "00",
            GOOD.replace("0af", "0ag"),
            GOOD.replace("0af", "0ä"),
            zeros("0af7651916cd43dd8448eb211c80319c"),
            zeros("b7ad6b7169203331"),
        ];
        for text in wrong {
            assert!(text.parse::<TraceContext>().is_err(), "{text}");
        }
    }
}
