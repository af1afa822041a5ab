//! What comes in from C is checked here, before anything else is done with it.
#![cfg(not(loom))]

use crate::error::Failure;
use std::mem::{align_of, size_of, MaybeUninit};

/// A struct that starts with `size_t struct_size`.
///
/// # Safety
/// `#[repr(C)]`, begins with a `usize` of its size, is made of integers and raw pointers only (any
/// bytes are a value), has no padding, and its 8-byte fields lie at multiples of 8.
pub(crate) unsafe trait Sized8: Copy {
    const NAME: &'static str;
    /// What a field is that the caller's shorter struct doesn't have.
    const DEFAULT: Self;
}

/// Newer versions add fields, not kilobytes: what is longer is no size.
const LONGEST_TAIL: usize = 4096;

/// Bytes that no process can have at once on any 64-bit machine of today (57 bits of address, half of
/// them the kernel's), and far below what pointer arithmetic can count.
const ADDRESS_SPACE: usize = 1 << 56;

/// An id that C holds as a pointer. NULL is told apart here; the registries find everything else.
#[inline]
pub(crate) fn handle<T>(name: &'static str, pointer: *const T) -> Result<u64, Failure> {
    if pointer.is_null() {
        return Err(Failure::NullPointer(name));
    }
    Ok(pointer as u64)
}

#[inline]
fn check<T>(name: &'static str, pointer: *const T) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::NullPointer(name));
    }
    if !(pointer as usize).is_multiple_of(align_of::<T>()) {
        return Err(Failure::Misaligned(name));
    }
    Ok(())
}

/// A place that is written on success.
///
/// # Safety
/// `pointer` is null, misaligned, or valid for writes for `'a`.
#[inline]
pub(crate) unsafe fn out<'a, T>(
    name: &'static str,
    pointer: *mut T,
) -> Result<&'a mut MaybeUninit<T>, Failure> {
    check(name, pointer)?;
    // SAFETY: the caller's promise, and neither null nor misaligned.
    Ok(unsafe { &mut *pointer.cast() })
}

/// A count, which is written in any case: 0 from here on.
///
/// # Safety
/// As for `out`.
#[inline]
pub(crate) unsafe fn count<'a>(
    name: &'static str,
    pointer: *mut usize,
) -> Result<&'a mut usize, Failure> {
    // SAFETY: passed on.
    Ok(unsafe { out(name, pointer) }?.write(0))
}

#[inline]
fn check_array<T>(name: &'static str, pointer: *const T, n: usize) -> Result<(), Failure> {
    check(name, pointer)?;
    array_bytes(name, n, size_of::<T>())
}

#[inline]
pub(crate) fn array_bytes(name: &'static str, n: usize, each: usize) -> Result<(), Failure> {
    if n > ADDRESS_SPACE / each {
        return Err(Failure::TooLong { name, n });
    }
    Ok(())
}

/// # Safety
/// `pointer` is null, misaligned, or valid for reads of `n` values that stay as they are for `'a`,
/// if that many can be.
#[inline]
pub(crate) unsafe fn slice<'a, T>(
    name: &'static str,
    pointer: *const T,
    n: usize,
) -> Result<&'a [T], Failure> {
    if n == 0 {
        return Ok(&[]);
    }
    check_array(name, pointer, n)?;
    // SAFETY: the caller's promise, and the pointer and the length have been checked.
    Ok(unsafe { std::slice::from_raw_parts(pointer, n) })
}

/// As `slice`, for what makes no sense without elements.
///
/// # Safety
/// As for `slice`.
#[inline]
pub(crate) unsafe fn some<'a, T>(
    name: &'static str,
    pointer: *const T,
    n: usize,
) -> Result<&'a [T], Failure> {
    if n == 0 {
        return Err(Failure::Empty(name));
    }
    // SAFETY: passed on.
    unsafe { slice(name, pointer, n) }
}

/// # Safety
/// As for `slice`, for reads and writes, and nobody else uses them for `'a`. `T` is made of integers:
/// the values may be uninitialised as far as C is concerned, and are only written.
#[inline]
pub(crate) unsafe fn slice_mut<'a, T>(
    name: &'static str,
    pointer: *mut T,
    n: usize,
) -> Result<&'a mut [T], Failure> {
    if n == 0 {
        return Ok(&mut []);
    }
    check_array(name, pointer, n)?;
    // SAFETY: as in `slice`.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, n) })
}

/// A text as pointer and length; None when it is empty, which means its default.
///
/// # Safety
/// As for `slice`.
pub(crate) unsafe fn text<'a>(
    name: &'static str,
    pointer: *const std::ffi::c_char,
    len: usize,
) -> Result<Option<&'a str>, Failure> {
    // SAFETY: passed on.
    let bytes = unsafe { slice(name, pointer.cast::<u8>(), len) }?;
    match std::str::from_utf8(bytes) {
        Ok("") => Ok(None),
        Ok(text) if !text.contains('\0') => Ok(Some(text)),
        _ => Err(Failure::NotText(name)),
    }
}

/// As `text`, for what has no default.
///
/// # Safety
/// As for `slice`.
pub(crate) unsafe fn some_text<'a>(
    name: &'static str,
    pointer: *const std::ffi::c_char,
    len: usize,
) -> Result<&'a str, Failure> {
    // SAFETY: passed on.
    unsafe { text(name, pointer, len) }?.ok_or(Failure::NoText(name))
}

/// An enum value that came as an integer and is none of the known ones.
#[cold]
pub(crate) fn unknown(name: &'static str, value: u32, known: &'static str) -> Failure {
    Failure::UnknownValue { name, value, known }
}

pub(crate) fn flags(name: &'static str, value: u32, known: u32) -> Result<u32, Failure> {
    if value & !known != 0 {
        return Err(Failure::UnknownFlags { name, value, known });
    }
    Ok(value)
}

pub(crate) fn reserved(name: &'static str, value: u32) -> Result<(), Failure> {
    if value != 0 {
        return Err(Failure::Reserved(name));
    }
    Ok(())
}

/// The size that the caller's struct says it has, checked, and that what this version doesn't know
/// of it is zero.
///
/// # Safety
/// `pointer` is null, misaligned, or valid for reads of as many bytes as its first word says.
unsafe fn struct_size<T: Sized8>(pointer: *const T) -> Result<usize, Failure> {
    check(T::NAME, pointer)?;
    let (name, known) = (T::NAME, size_of::<T>());
    // SAFETY: the caller's promise; every such struct begins with its size.
    let size = unsafe { pointer.cast::<usize>().read() };
    // A multiple of 8 cuts no field in two but pairs of 32 bits, which are separate fields.
    if size == 0 || !size.is_multiple_of(8) || size > known + LONGEST_TAIL {
        return Err(Failure::StructSize { name, size, known });
    }
    for at in known..size {
        // SAFETY: the struct is `size` bytes long.
        if unsafe { pointer.cast::<u8>().add(at).read() } != 0 {
            return Err(Failure::StructTail { name, size, known });
        }
    }
    Ok(size)
}

/// The options that a caller gives: what its version knows of them, and defaults for the rest; all
/// defaults for NULL.
///
/// # Safety
/// As for `struct_size`.
pub(crate) unsafe fn options<T: Sized8>(pointer: *const T) -> Result<T, Failure> {
    let mut options = T::DEFAULT;
    if !pointer.is_null() {
        // SAFETY: passed on.
        let size = unsafe { struct_size(pointer) }?.min(size_of::<T>());
        // SAFETY: both have at least `size` bytes, and any bytes are a `T`.
        unsafe {
            std::ptr::copy_nonoverlapping(
                pointer.cast::<u8>(),
                (&raw mut options).cast::<u8>(),
                size,
            );
        }
    }
    Ok(options)
}

/// A struct that the caller wants filled in, as far as its version knows it.
pub(crate) struct Wanted<T> {
    pointer: *mut T,
    size: usize,
}

impl<T: Sized8> Wanted<T> {
    /// # Safety
    /// As for `struct_size`, and valid for writes until `fill`.
    pub(crate) unsafe fn new(pointer: *mut T) -> Result<Self, Failure> {
        // SAFETY: passed on.
        let size = unsafe { struct_size(pointer) }?;
        Ok(Self { pointer, size })
    }

    /// A struct whose size is known.
    ///
    /// # Safety
    /// `pointer` is valid for writes of `size` bytes until `fill`.
    pub(crate) unsafe fn of_size(pointer: *mut T, size: usize) -> Self {
        Self { pointer, size }
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Writes all but struct_size, which stays the caller's.
    pub(crate) fn fill(self, value: &T) {
        let skip = size_of::<usize>();
        let len = self.size.min(size_of::<T>()) - skip;
        // SAFETY: `new` was promised that the caller's struct can be written; a size is at least 8.
        unsafe {
            std::ptr::copy_nonoverlapping(
                (value as *const T).cast::<u8>().add(skip),
                self.pointer.cast::<u8>().add(skip),
                len,
            );
        }
    }
}

/// Text into a field of a struct: cut to fit at the end of a character, and zero-terminated.
pub(crate) fn fixed_text<const N: usize>(text: &str) -> [std::ffi::c_char; N] {
    let mut field = [0; N];
    put_text(&mut field, text);
    field
}

/// The same, where the field is.
#[inline]
pub(crate) fn put_text<const N: usize>(field: &mut [std::ffi::c_char; N], text: &str) {
    let mut end = text.len().min(N - 1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    *field = [0; N];
    // SAFETY: there are so many bytes in both, and any byte is a character of C's.
    unsafe { std::ptr::copy_nonoverlapping(text.as_ptr().cast(), field.as_mut_ptr(), end) };
}

/// Fails to compile unless the two structs, ours for the header and the engine's, are the same.
macro_rules! same_layout {
    ($ours:ty, $engines:ty, $($field:ident),+) => {
        const _: () = {
            assert!(size_of::<$ours>() == size_of::<$engines>());
            assert!(align_of::<$ours>() == align_of::<$engines>());
            $(assert!(offset_of!($ours, $field) == offset_of!($engines, $field));)+
        };
    };
}
pub(crate) use same_layout;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::*;
    use std::ptr::null;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Options {
        struct_size: usize,
        a: u32,
        b: u32,
        c: u64,
    }

    // SAFETY: integers only, no padding, 8-byte fields at multiples of 8.
    unsafe impl Sized8 for Options {
        const NAME: &'static str = "options";
        const DEFAULT: Self = Options {
            struct_size: size_of::<Options>(),
            a: 1,
            b: 2,
            c: 3,
        };
    }

    #[repr(C, align(8))]
    struct Longer {
        known: Options,
        tail: [u8; 16],
    }

    fn longer(struct_size: usize) -> Longer {
        let known = Options {
            struct_size,
            a: 10,
            b: 20,
            c: 30,
        };
        Longer {
            known,
            tail: [0; 16],
        }
    }

    fn read(from: &Longer) -> Result<Options, rota_status> {
        let pointer = (from as *const Longer).cast::<Options>();
        unsafe { options(pointer) }.map_err(|failure| failure.status())
    }

    #[test]
    fn a_struct_of_size_0_or_a_broken_size_is_refused() {
        for size in [0, 1, 4, 7, 9, 12, 23, 8192, usize::MAX, isize::MAX as usize] {
            assert_eq!(read(&longer(size)), Err(ROTA_STATUS_INVALID_STRUCT_SIZE));
        }
    }

    #[test]
    fn the_tail_of_a_shorter_struct_gets_defaults() {
        assert_eq!(read(&longer(8)).map(|o| (o.a, o.b, o.c)), Ok((1, 2, 3)));
        assert_eq!(read(&longer(16)).map(|o| (o.a, o.b, o.c)), Ok((10, 20, 3)));
        assert_eq!(
            unsafe { options(null::<Options>()) }.unwrap(),
            Options::DEFAULT
        );
    }

    #[test]
    fn a_longer_struct_is_accepted_if_the_rest_is_zero() {
        let mut from = longer(40);
        assert_eq!(read(&from).map(|o| (o.a, o.b, o.c)), Ok((10, 20, 30)));
        from.tail[15] = 1;
        assert_eq!(read(&from), Err(ROTA_STATUS_INVALID_STRUCT_SIZE));
        from.known.struct_size = 32;
        assert!(read(&from).is_ok());
    }

    #[test]
    fn a_struct_is_filled_in_as_far_as_the_caller_knows_it() {
        let value = Options {
            struct_size: 99,
            a: 7,
            b: 8,
            c: 9,
        };
        for (size, expect) in [(8, (10, 20, 30)), (16, (7, 8, 30)), (40, (7, 8, 9))] {
            let mut to = longer(size);
            let pointer = (&raw mut to).cast::<Options>();
            unsafe { Wanted::new(pointer) }.unwrap().fill(&value);
            let Options { a, b, c, .. } = to.known;
            assert_eq!((a, b, c), expect);
            assert_eq!(to.known.struct_size, size);
            assert_eq!(to.tail, [0; 16]);
        }
    }

    #[test]
    fn arrays_are_checked_and_null_is_an_empty_one() {
        let words = [1u64, 2];
        let status = |p: *const u64, n| unsafe { slice("words", p, n) }.map_err(|f| f.status());
        assert_eq!(status(null(), 0), Ok(&[][..]));
        assert_eq!(status(null(), 1), Err(ROTA_STATUS_NULL_POINTER));
        assert_eq!(status(words.as_ptr(), 2), Ok(&words[..]));
        let odd = (words.as_ptr() as usize + 1) as *const u64;
        assert_eq!(status(odd, 1), Err(ROTA_STATUS_INVALID_ARGUMENT));
        for n in [
            usize::MAX,
            usize::MAX / 8,
            isize::MAX as usize / 8 + 1,
            1 << 54,
        ] {
            assert_eq!(status(words.as_ptr(), n), Err(ROTA_STATUS_INVALID_ARGUMENT));
        }
    }

    #[test]
    fn texts_are_utf8_without_zero_bytes() {
        let status = |bytes: &'static [u8]| {
            unsafe { text("text", bytes.as_ptr().cast(), bytes.len()) }.map_err(|f| f.status())
        };
        assert_eq!(status(b""), Ok(None));
        assert_eq!(status("llvmpipe µ".as_bytes()), Ok(Some("llvmpipe µ")));
        assert_eq!(status(b"\xff"), Err(ROTA_STATUS_INVALID_ARGUMENT));
        assert_eq!(status(b"a\0b"), Err(ROTA_STATUS_INVALID_ARGUMENT));
        let nothing = unsafe { text("text", null(), 0) };
        assert!(matches!(nothing, Ok(None)));
        let missing = unsafe { text("text", null(), 3) };
        assert_eq!(missing.unwrap_err().status(), ROTA_STATUS_NULL_POINTER);
        let none = unsafe { some_text("text", null(), 0) }.unwrap_err();
        assert_eq!(none.status(), ROTA_STATUS_INVALID_ARGUMENT);
    }

    #[test]
    fn text_is_cut_at_a_character() {
        let as_bytes = |field: [std::ffi::c_char; 4]| field.map(|c| c as u8);
        assert_eq!(as_bytes(fixed_text("ab")), *b"ab\0\0");
        assert_eq!(as_bytes(fixed_text("abcd")), *b"abc\0");
        assert_eq!(as_bytes(fixed_text("abµ")), *b"ab\0\0");
    }

    #[test]
    fn unknown_bits_and_reserved_words_are_refused() {
        assert_eq!(flags("flags", 3, 7).map_err(|f| f.status()), Ok(3));
        let status = flags("flags", 8, 7).unwrap_err().status();
        assert_eq!(status, ROTA_STATUS_INVALID_ARGUMENT);
        let status = reserved("reserved", 1).unwrap_err().status();
        assert_eq!(status, ROTA_STATUS_INVALID_ARGUMENT);
    }
}
