//! What the specification doesn't promise, tried out when a device is opened.
//!
//! Two questions: after how many iterations the driver silently ends a loop (lavapipe 22 does), and whether host and a
//! running kernel see each other's writes, in order, for the very memory types that the rings will use. The answers
//! are kept in the cache folder, by device, driver version and code.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cache::{self, Cache};
use super::lease::LaunchSlot;
use super::memory::{Allocation, Use};
use super::pipeline::{Layout, Pipeline};
use super::Device;
use crate::error::Error;
use crate::kernel;

/// What the probe found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Iterations after which all loops of an invocation end; 0 if there was no such end within `LOOPS`.
    pub loop_cap: u32,
    /// Whether a running kernel saw what the host wrote, and the host what it answered.
    pub live: bool,
    /// Messages that went there and back.
    pub rounds: u32,
    /// Records whose stamp the host saw before the payload.
    pub torn_records: u32,
    /// Payload words that the device saw older than their stamp.
    pub torn_messages: u32,
}

/// A loop limit below this is looked for.
const LOOPS: u32 = 300_000;
/// Messages to send.
const MESSAGES: u32 = 4_000;
/// Live ones among them that are enough to believe it.
const ENOUGH_MESSAGES: u32 = 200;
/// The loop iterations of one launch while messages are exchanged; below every loop limit seen.
const LAUNCH_ROUNDS: u32 = 20_000;
/// So many launches at first without a message that went both ways mean that the device doesn't poll live. A launch takes a
/// millisecond or so, and on a busy machine this thread is kept away for longer than some of them.
const BLIND_LAUNCHES: u32 = 64;
/// So often an answer is looked for without a pause: for longer than a kernel on a core of its own takes.
const EAGER_LOOKS: u32 = 200;
/// Between later looks. Where the kernel is a thread and shares a core with this one, a thread that never sleeps runs
/// only when the kernel doesn't, and sees nothing live; one that wakes up gets its turns in between.
const PAUSE: Duration = Duration::from_micros(20);
/// All launches end within this time, whatever the device does.
const PATIENCE: Duration = Duration::from_secs(2);
/// And within this one if live messages came through, in order, but too few: then it is the machine that is busy.
const PATIENCE_IF_LIVE: Duration = Duration::from_secs(30);

impl Probe {
    /// From the cache, else by running the probe kernel.
    pub fn of(device: &Arc<Device>, disk: &Cache) -> Result<Self, Error> {
        let source =
            include_str!("probe.wgsl").replace("LANES", &device.limits.subgroup_size.to_string());
        let spirv = kernel::compose_alone("probe", &source)?;
        let key = cache::key(&device.limits, &spirv);
        if let Some(known) = disk
            .load(&key, "probe")
            .and_then(|data| Self::from_bytes(&data))
        {
            return Ok(known);
        }
        let probe = Self::run(device, disk, &spirv)?;
        // What failed may have failed by chance: it is tried again next time.
        if probe.live {
            disk.store(&key, "probe", &probe.to_bytes());
        }
        Ok(probe)
    }

    fn to_bytes(self) -> Vec<u8> {
        [
            self.loop_cap,
            self.live as u32,
            self.rounds,
            self.torn_records,
            self.torn_messages,
        ]
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .collect()
    }

    fn from_bytes(data: &[u8]) -> Option<Self> {
        let words: Vec<u32> = data
            .chunks_exact(4)
            .map(|c| u32::from_le_bytes(c.try_into().unwrap()))
            .collect();
        let [loop_cap, live, rounds, torn_records, torn_messages] = words[..] else {
            return None;
        };
        Some(Self {
            loop_cap,
            live: live != 0,
            rounds,
            torn_records,
            torn_messages,
        })
    }

    fn run(device: &Arc<Device>, disk: &Cache, spirv: &[u32]) -> Result<Self, Error> {
        let layout = Arc::new(Layout::new(device, 2, 8)?);
        let pipeline = Arc::new(Pipeline::new(device, &layout, disk, spirv)?);
        let message = Allocation::zeroed(device, 64, Use::HostWrites)?;
        let answers = Allocation::zeroed(device, 48, Use::HostReads)?;
        let bindings = vec![(0, message.buffer, 64), (1, answers.buffer, 48)];
        let mut slot = LaunchSlot::new(device, layout.set, 2)?;
        let push = |mode: u32, rounds: u32| [mode.to_le_bytes(), rounds.to_le_bytes()].concat();
        // SAFETY: both mappings are as long as these arrays of words, and live until the end of this function.
        let (message, answers) = unsafe {
            (
                &*message.mapped.cast::<[AtomicU32; 16]>(),
                &*answers.mapped.cast::<[[AtomicU32; 4]; 3]>(),
            )
        };
        let mut probe = Self::default();

        slot.launch(&pipeline, &bindings, 1, &push(0, LOOPS), 1)?;
        if !slot.wait(u64::MAX)? {
            return Ok(probe);
        }
        let counted = answers[0][0].load(Ordering::Acquire);
        if counted < LOOPS {
            probe.loop_cap = counted;
        }

        // Messages to a running kernel. Launches end by themselves, so a device that sees nothing costs PATIENCE only.
        let started = Instant::now();
        let mut next = 1;
        let mut blind = 0;
        // Messages that can't have been answered by what a launch saw when it began.
        let mut live_messages = 0;
        loop {
            let is_live = live_messages != 0 && probe.torn_messages == 0;
            let patience = match is_live && live_messages < ENOUGH_MESSAGES {
                true => PATIENCE_IF_LIVE,
                false => PATIENCE,
            };
            let is_blind = live_messages == 0 && blind >= BLIND_LAUNCHES;
            if next > MESSAGES || started.elapsed() >= patience || is_blind {
                break;
            }
            // Where nothing cuts loops, a launch after a blind one goes on for longer than this thread can be kept away.
            let rounds = match probe.loop_cap {
                0 => (LAUNCH_ROUNDS << blind.min(8)).min(LOOPS),
                _ => LAUNCH_ROUNDS,
            };
            slot.launch(&pipeline, &bindings, 1, &push(1, rounds), 1)?;
            let before = next;
            loop {
                send(message, next);
                let answer = &answers[1 + (next & 1) as usize];
                let mut looks = 0;
                let arrived = loop {
                    if answer[3].load(Ordering::Acquire) == next {
                        break true;
                    }
                    if slot.wait(0)? {
                        break answer[3].load(Ordering::Acquire) == next;
                    }
                    looks += 1;
                    if looks < EAGER_LOOKS {
                        std::hint::spin_loop();
                    } else {
                        std::thread::sleep(PAUSE);
                    }
                };
                if !arrived {
                    break;
                }
                if answer[0].load(Ordering::Relaxed) != next
                    || answer[2].load(Ordering::Relaxed) != !next
                {
                    probe.torn_records += 1;
                }
                probe.torn_messages = answer[1].load(Ordering::Relaxed).max(probe.torn_messages);
                next += 1;
                if next > MESSAGES || !slot.is_running() {
                    break;
                }
            }
            if slot.is_running() {
                message[15].store(u32::MAX, Ordering::Release);
                slot.wait(u64::MAX)?;
            }
            // A launch that answered only what had been written before it began saw nothing live. Once may be chance:
            // this thread didn't run meanwhile.
            live_messages += (next - before).saturating_sub(1);
            blind = if next <= before + 1 { blind + 1 } else { 0 };
        }
        probe.rounds = next - 1;
        // On a busy machine time may run out before all messages are sent.
        probe.live = live_messages >= ENOUGH_MESSAGES && probe.torn_messages == 0;
        Ok(probe)
    }
}

/// Payload, then stamp.
fn send(message: &[AtomicU32; 16], stamp: u32) {
    for (i, word) in message[..15].iter().enumerate() {
        word.store(stamp + i as u32, Ordering::Relaxed);
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: sfence is part of x86-64.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
    message[15].store(stamp, Ordering::Release);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as above.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}
