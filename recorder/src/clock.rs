//! The two clocks of a record: the monotonic one, which is read for every reservation, and the wall clock, which is
//! derived from it.

/// CLOCK_MONOTONIC in nanoseconds: what a caller that has read the clock already may pass in.
#[inline]
pub fn mono_ns() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// How far the wall clock (nanoseconds since 1970) is ahead of the monotonic one.
pub(crate) fn wall_offset_ns() -> u64 {
    // Whoever is interrupted between the two reads tries again: the shortest of a few is close enough.
    let mut best = (u64::MAX, 0);
    for _ in 0..4 {
        let before = mono_ns();
        let wall = read(libc::CLOCK_REALTIME);
        let took = mono_ns() - before;
        if took < best.0 {
            best = (took, wall.wrapping_sub(before + took / 2));
        }
    }
    best.1
}

#[inline]
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is ours. These two clocks always exist, so the call can't fail.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
