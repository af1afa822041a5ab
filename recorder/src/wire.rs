//! How the bodies of records are put together and taken apart: little-endian numbers, and text with its length before
//! it.
//!
//! Taking apart never panics and allocates no more than the bytes that are there.

/// The body isn't one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

#[derive(Default)]
pub struct Put(pub Vec<u8>);

impl Put {
    pub fn u8(&mut self, v: u8) {
        self.0.push(v);
    }
    pub fn u32(&mut self, v: u32) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }
    pub fn u64(&mut self, v: u64) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }
    pub fn bytes(&mut self, v: &[u8]) {
        self.u32(v.len() as u32);
        self.0.extend_from_slice(v);
    }
    pub fn text(&mut self, v: &str) {
        self.bytes(v.as_bytes());
    }
    pub fn hash(&mut self, v: &[u8; 32]) {
        self.0.extend_from_slice(v);
    }
    /// A hash that may be missing: a byte that says whether it is there, then the hash.
    pub fn some_hash(&mut self, v: Option<&[u8; 32]>) {
        self.u8(v.is_some() as u8);
        if let Some(v) = v {
            self.hash(v);
        }
    }
    pub fn pairs(&mut self, v: &[(String, String)]) {
        self.u32(v.len() as u32);
        for (key, value) in v {
            self.text(key);
            self.text(value);
        }
    }
}

pub struct Take<'a>(pub &'a [u8]);

impl<'a> Take<'a> {
    fn next(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.next(N)?.try_into().map_err(|_| Malformed)
    }
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    /// 0 or 1.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let n = self.u32()?;
        self.next(n as usize)
    }
    pub fn text(&mut self) -> Result<String, Malformed> {
        let bytes = self.bytes()?;
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed)?;
        Ok(text.into())
    }
    pub fn hash(&mut self) -> Result<[u8; 32], Malformed> {
        self.array()
    }
    pub fn some_hash(&mut self) -> Result<Option<[u8; 32]>, Malformed> {
        match self.flag()? {
            true => Ok(Some(self.hash()?)),
            false => Ok(None),
        }
    }
    pub fn pairs(&mut self) -> Result<Vec<(String, String)>, Malformed> {
        let n = self.u32()?;
        // Grown by what is there, not by what it says.
        (0..n).map(|_| Ok((self.text()?, self.text()?))).collect()
    }
}
