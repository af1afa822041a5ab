//! Texts that several parts write.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// A string of JSON, handed to `put` in pieces. All of it is visible, and stands on one line: control characters are escaped, and so
/// is what ends a line for JavaScript or a terminal, though JSON takes it.
pub fn json_string(text: &str, mut put: impl FnMut(&str)) {
    put("\"");
    // As many characters at once as can stand as they are.
    let mut begin = 0;
    for (at, c) in text.char_indices() {
        let is_plain = match c {
            '"' | '\\' | '\u{2028}' | '\u{2029}' => false,
            c => !c.is_control(),
        };
        if is_plain {
            continue;
        }
        put(&text[begin..at]);
        begin = at + c.len_utf8();
        match c {
            '"' => put("\\\""),
            '\\' => put("\\\\"),
            c => put(&format!("\\u{:04x}", c as u32)),
        }
    }
    put(&text[begin..]);
    put("\"");
}

/// A path in which each `%p` has become the process id.
pub fn with_process(path: &Path, process: u32) -> PathBuf {
    let process = process.to_string();
    let mut out = Vec::new();
    let mut rest = path.as_os_str().as_bytes();
    while let Some(at) = rest.windows(2).position(|two| two == b"%p") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(process.as_bytes());
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    OsStr::from_bytes(&out).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_json() {
        for (text, written) in [
            ("", r#""""#),
            ("plain é中🦀", r#""plain é中🦀""#),
            ("\"a\\", r#""\"a\\""#),
            (
                "\n\u{1}b\u{1b}\u{7f}\u{85}",
                r#""\u000a\u0001b\u001b\u007f\u0085""#,
            ),
            ("\u{2028}é\u{2029}", r#""\u2028é\u2029""#),
        ] {
            let mut out = String::new();
            json_string(text, |piece| out.push_str(piece));
            assert_eq!(out, written);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn percent_p_is_the_process() {
        let of = |path: &str| with_process(Path::new(path), 42);
        assert_eq!(of("/run/a.sock"), Path::new("/run/a.sock"));
        assert_eq!(of("/run/%p/%p%"), Path::new("/run/42/42%"));
        let not_utf8 = Path::new(OsStr::from_bytes(b"\xff%p"));
        assert_eq!(
            with_process(not_utf8, 7),
            Path::new(OsStr::from_bytes(b"\xff7"))
        );
    }
}
