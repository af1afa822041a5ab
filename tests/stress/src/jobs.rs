//! The jobs of a flood, and what each has to answer. Everything about a job follows from the seed, its producer and
//! its number, so that a completion can be checked from its user data alone.

use rota::{completion_status, job_flags, op, Completion, Job, Tenant};

/// Bytes of the text that histograms are made of.
const TEXT_BYTES: u32 = 8 * 512;
/// The lengths that histogram jobs have, in units of 512 bytes: 1 to this.
pub const LENGTHS: usize = 8;
/// The most tiles of a job.
const MOST_TILES: u32 = 16;
/// Words of a region that a FILL writes and the SUM behind it reads: one granule per tile.
const REGION_WORDS: u32 = MOST_TILES * 64;
/// Regions of a producer. More pairs than a ring of twice as many slots holds, so that no two open ones share a region.
pub const REGIONS: u32 = 512;

/// What the jobs are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mix {
    /// Of 256 pairs of jobs, how many are a tiled pair: FILL and SUM, or two histograms.
    pub tiled: u32,
    /// Of 256 scalar jobs, how many are SPIN.
    pub spins: u32,
    /// The most iterations of a SPIN.
    pub spin_iterations: u32,
    /// Of 256 scalar jobs, how many have a flag: BARRIER, AFTER_OK or TIMING.
    pub flagged: u32,
}

/// The steps of splitmix64 (Steele, Lea, Flood, 2014).
pub fn mix64(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The buffers of one producer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Buffers {
    pub text: u32,
    pub counts: u32,
    pub regions: u32,
}

impl Buffers {
    pub fn new(tenant: &Tenant) -> Result<Self, rota::Error> {
        let text = tenant.buffer_create(TEXT_BYTES as u64, true)?;
        tenant.buffer_write(text, 0, &text_bytes())?;
        let counts = tenant.buffer_create(1024, false)?;
        let regions = tenant.buffer_create((REGIONS * REGION_WORDS * 4) as u64, false)?;
        Ok(Self {
            text,
            counts,
            regions,
        })
    }
}

fn text_bytes() -> Vec<u8> {
    (0..TEXT_BYTES as u64)
        .map(|i| (mix64(i) % 251) as u8)
        .collect()
}

/// What a histogram of each length adds.
pub fn histograms() -> Vec<[u32; 256]> {
    let text = text_bytes();
    (1..=LENGTHS)
        .map(|n| {
            let mut counts = [0; 256];
            text[..512 * n]
                .iter()
                .for_each(|&b| counts[b as usize] += 1);
            counts
        })
        .collect()
}

/// One producer's series of jobs.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    pub seed: u64,
    pub producer: u32,
    pub mix: Mix,
    pub buffers: Buffers,
}

/// What a job is, beyond the words it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Plain { results: [u32; 2] },
    Spin { iterations: u32, start: u32 },
    Fill,
    Sum { results: [u32; 2] },
    Histogram { length: usize },
}

/// The producer and number in user data.
pub fn names(user_data: u64) -> (u32, u64) {
    ((user_data >> 48) as u32, user_data & 0xffff_ffff_ffff)
}

impl Series {
    fn bits(&self, salt: u64, n: u64) -> u64 {
        mix64(mix64(self.seed ^ salt << 56 ^ (self.producer as u64) << 40) ^ n)
    }

    /// The n-th job.
    pub fn job(&self, n: u64) -> (Job, What) {
        let user_data = (self.producer as u64) << 48 | n;
        let pair = self.bits(1, n / 2);
        let (mut job, what) = if ((pair & 0xff) as u32) < self.mix.tiled {
            if pair >> 8 & 3 == 0 {
                self.histogram(self.bits(2, n))
            } else {
                self.fill_or_sum(n, pair)
            }
        } else {
            self.scalar(self.bits(2, n))
        };
        job.user_data = user_data;
        (job, what)
    }

    fn scalar(&self, bits: u64) -> (Job, What) {
        let args = [bits as u32, (bits >> 32) as u32];
        let choice = mix64(bits);
        let mut job = Job {
            opcode: op::NOP,
            ..Job::default()
        };
        job.args[..2].copy_from_slice(&args);
        let mut what = What::Plain { results: args };
        if ((choice & 0xff) as u32) < self.mix.spins {
            job.opcode = op::SPIN;
            job.args[0] %= self.mix.spin_iterations + 1;
            // An unmetered margin: leaving the loop takes no fuel, but a budget of 0 means the default.
            job.fuel = job.args[0] + 1;
            what = What::Spin {
                iterations: job.args[0],
                start: job.args[1],
            };
        }
        if ((choice >> 8 & 0xff) as u32) < self.mix.flagged {
            job.flags = [job_flags::BARRIER, job_flags::AFTER_OK, job_flags::TIMING]
                [(choice >> 16) as usize % 3];
        }
        (job, what)
    }

    fn fill_or_sum(&self, n: u64, pair: u64) -> (Job, What) {
        let tiles = 2 + (pair >> 16) as u32 % (MOST_TILES - 1);
        let words = 1 + (pair >> 24) as u32 % REGION_WORDS;
        let value = (pair >> 32) as u32;
        let region = (n / 2 % REGIONS as u64) as u32 * REGION_WORDS;
        let mut job = Job {
            tiles,
            ..Job::default()
        };
        if n.is_multiple_of(2) {
            job.opcode = op::FILL;
            job.args[..4].copy_from_slice(&[self.buffers.regions, region, words, value]);
            return (job, What::Fill);
        }
        job.opcode = op::SUM_U32;
        job.flags = job_flags::AFTER_OK;
        job.args[..3].copy_from_slice(&[self.buffers.regions, region, words]);
        let sum = words as u64 * value as u64;
        (
            job,
            What::Sum {
                results: [sum as u32, (sum >> 32) as u32],
            },
        )
    }

    fn histogram(&self, bits: u64) -> (Job, What) {
        let length = bits as usize % LENGTHS;
        let tiles = 2 + (bits >> 8) as u32 % (MOST_TILES - 1);
        let mut job = Job {
            opcode: op::HISTOGRAM_U8,
            tiles,
            ..Job::default()
        };
        let bytes = 512 * (length as u32 + 1);
        job.args[..5].copy_from_slice(&[self.buffers.text, 0, bytes, self.buffers.counts, 0]);
        (job, What::Histogram { length })
    }

    /// What is wrong about a completion of the n-th job that should have ended OK, if anything.
    pub fn wrong(&self, n: u64, c: &Completion) -> Option<String> {
        let (job, what) = self.job(n);
        let told = || format!("producer {}, job {n} ({what:?}): {c:?}", self.producer);
        if c.status != completion_status::OK || c.fault != 0 {
            return Some(format!("it did not end OK: {}", told()));
        }
        let expected = match what {
            What::Plain { results } | What::Sum { results } => results,
            What::Spin { iterations, start } => [spun(iterations, start), 0],
            What::Fill | What::Histogram { .. } => [0, 0],
        };
        if c.results != expected {
            return Some(format!("the results should be {expected:?}: {}", told()));
        }
        if job.flags & job_flags::TIMING != 0 && c.begin_epoch >= c.end_epoch {
            return Some(format!("it ended before it began: {}", told()));
        }
        None
    }
}

/// The last number of SPIN's generator.
pub fn spun(iterations: u32, start: u32) -> u32 {
    (0..iterations).fold(start, |x, _| {
        x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
    })
}
