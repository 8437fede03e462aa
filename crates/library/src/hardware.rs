//! Whether a model fits this computer, with the numbers behind the verdict.
//!
//! Memory is what decides on a computer without a graphics card: a model that does not fit is swapped, and then a
//! token takes seconds. The verdict is on the memory that the computer has, since what is free changes by the minute
//! and comes back when a browser is closed; what is free now is told beside it.

/// A model may take this share of the memory before the computer notices.
const COMFORTABLE_PERCENT: u64 = 60;

/// Above this share nothing is left for the system and the window.
const TIGHT_PERCENT: u64 = 85;

/// The memory of this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// What it has.
    pub total_bytes: u64,
    /// What programs could take now without swapping.
    pub available_bytes: u64,
}

impl Memory {
    /// The memory of this computer, or `None` where the system does not tell.
    pub fn of_this_computer() -> Option<Self> {
        #[cfg(target_os = "linux")]
        return Self::from_meminfo(&std::fs::read_to_string("/proc/meminfo").ok()?);
        #[cfg(not(target_os = "linux"))]
        {
            let mut system = sysinfo::System::new();
            system.refresh_memory();
            let memory = Self { total_bytes: system.total_memory(), available_bytes: system.available_memory() };
            (memory.total_bytes > 0).then_some(memory)
        }
    }

    /// From the text of `/proc/meminfo`, which counts in KiB.
    #[cfg(any(target_os = "linux", test))]
    fn from_meminfo(text: &str) -> Option<Self> {
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find(|line| line.starts_with(name))?;
            let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
            kib.checked_mul(1024)
        };
        let total_bytes = field("MemTotal:")?;
        Some(Self { total_bytes, available_bytes: field("MemAvailable:").unwrap_or(total_bytes) })
    }
}

/// How a model fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// With room for everything else.
    Comfortable,
    /// When little else runs.
    Tight,
    /// It would be swapped, or would not load.
    TooLarge,
}

/// A verdict and its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    /// How it fits.
    pub verdict: Verdict,
    /// What the model needs with a full window.
    pub needed_bytes: u64,
    /// What there is.
    pub memory: Memory,
}

impl Fit {
    /// Whether the model can be recommended.
    pub fn fits(&self) -> bool {
        self.verdict != Verdict::TooLarge
    }

    /// Whether it would fit into what is free at this moment.
    pub fn fits_now(&self) -> bool {
        self.needed_bytes <= self.memory.available_bytes
    }
}

/// How a model that needs so much fits a computer that has so much.
pub fn fit(needed_bytes: u64, memory: Memory) -> Fit {
    let share = |percent: u64| memory.total_bytes / 100 * percent;
    let verdict = if needed_bytes <= share(COMFORTABLE_PERCENT) {
        Verdict::Comfortable
    } else if needed_bytes <= share(TIGHT_PERCENT) {
        Verdict::Tight
    } else {
        Verdict::TooLarge
    };
    Fit { verdict, needed_bytes, memory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_meminfo() {
        let text = "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    8000000 kB\n";
        let memory = Memory::from_meminfo(text).expect("both lines are there");
        assert_eq!(memory, Memory { total_bytes: 16_384_000_000, available_bytes: 8_192_000_000 });
        assert_eq!(Memory::from_meminfo("nothing"), None);
    }

    #[test]
    fn the_verdict_follows_the_share_of_memory() {
        let memory = Memory { total_bytes: 8_000_000_000, available_bytes: 2_000_000_000 };
        for (needed, verdict) in [
            (600_000_000, Verdict::Comfortable),
            (4_800_000_000, Verdict::Comfortable),
            (5_200_000_000, Verdict::Tight),
            (7_800_000_000, Verdict::TooLarge),
        ] {
            let fit = fit(needed, memory);
            assert_eq!(fit.verdict, verdict, "{needed}");
            assert_eq!(fit.fits_now(), needed <= 2_000_000_000);
        }
    }
}
