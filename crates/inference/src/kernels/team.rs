//! The threads of one evaluation. A layer is a handful of pieces of work, each some microseconds long, and putting
//! threads to sleep between two of them would cost more than the work. So threads of the rayon pool join a team for a
//! whole evaluation and look for work all the while; a thread that the system holds up is not waited for, as long as it
//! has not begun a task.
//!
//! All of it hangs on one number, `claims`: which piece of work it is, how many tasks it has, and how many are taken. A
//! task is taken by exchanging that number for the next one, which fails when anything has changed since it was read;
//! so whoever succeeds knows that the work it read is still being waited for.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

/// A piece of work: what to do with each task's number.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// Tasks of one piece of work at most; more are grouped.
const MOST_TASKS: usize = 0xffff;

/// Looks for work in a row before a thread offers its core to others.
const PATIENCE: usize = 4_000;

/// A number with a cache line to itself, so that threads do not wait for each other's writes.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// Threads that work together.
pub(crate) struct Team {
    threads: usize,
    /// The number of the work (32 bits), its tasks (16) and how many of them are taken (16).
    claims: Apart<AtomicU64>,
    finished: Apart<AtomicUsize>,
    /// Points to the leader's `Work` while it waits for it.
    work: AtomicPtr<Work<'static>>,
    dismissed: AtomicBool,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Team {
    /// Runs `lead` with the threads of the rayon pool that this is called in. They are dismissed when it returns.
    pub(crate) fn gather<R: Send>(lead: impl FnOnce(&Team) -> R + Send) -> R {
        let team = Team {
            threads: rayon::current_num_threads(),
            claims: Apart::default(),
            finished: Apart::default(),
            work: AtomicPtr::new(std::ptr::null_mut()),
            dismissed: AtomicBool::new(false),
            panic: Mutex::new(None),
        };
        rayon::scope(|scope| {
            /// Dismisses the others even when the leader panics.
            struct Dismissal<'a>(&'a Team);
            impl Drop for Dismissal<'_> {
                fn drop(&mut self) {
                    self.0.dismissed.store(true, Ordering::Release);
                }
            }
            let _dismissal = Dismissal(&team);
            for _ in 1..team.threads {
                scope.spawn(|_| team.follow());
            }
            lead(&team)
        })
    }

    /// How many threads may work.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work` with every number below `tasks`, each once, on any of the threads; returns when all are done.
    pub(crate) fn run(&self, tasks: usize, work: impl Fn(usize) + Sync) {
        if tasks <= 1 || self.threads <= 1 {
            return (0..tasks).for_each(work);
        }
        let share = tasks.div_ceil(MOST_TASKS);
        if share > 1 {
            return self.run_all(tasks.div_ceil(share), &|part| {
                (part * share..tasks.min((part + 1) * share)).for_each(&work);
            });
        }
        self.run_all(tasks, &work);
    }

    fn run_all(&self, tasks: usize, work: Work<'_>) {
        self.finished.0.store(0, Ordering::Relaxed);
        // The lifetime is forgotten; see `claim` for why nobody uses it after this function's end.
        self.work.store((&raw const work).cast_mut().cast(), Ordering::Release);
        let number = (self.claims.0.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        self.claims.0.store((number << 32) | (tasks as u64) << 16, Ordering::Release);
        while self.claim() {}
        let mut looks = 0;
        while self.finished.0.load(Ordering::Acquire) < tasks {
            wait(&mut looks);
        }
        if let Some(panic) = self.panic.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            resume_unwind(panic);
        }
    }

    /// Looks for work until the team is dismissed.
    fn follow(&self) {
        let mut looks = 0;
        while !self.dismissed.load(Ordering::Acquire) {
            if self.claim() {
                looks = 0;
            } else {
                wait(&mut looks);
            }
        }
    }

    /// Takes a task and does it; `false` when there is none.
    fn claim(&self) -> bool {
        let claims = self.claims.0.load(Ordering::Acquire);
        let (tasks, taken) = ((claims >> 16) & 0xffff, claims & 0xffff);
        if taken >= tasks {
            return false;
        }
        let work = self.work.load(Ordering::Acquire);
        if self.claims.0.compare_exchange(claims, claims + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return true;
        }
        let done = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: the exchange succeeded, so between reading `claims` and now no other work was begun, and `work` is
            // that of these claims. Its leader does not return from `run_all`, where what it points to lives, before
            // `finished` counts this task, which happens below.
            let work: Work<'_> = unsafe { *work };
            work(taken as usize);
        }));
        if let Err(panic) = done {
            *self.panic.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(panic);
        }
        self.finished.0.fetch_add(1, Ordering::Release);
        true
    }
}

/// Waits a moment; after a while, longer moments in which others may have the core.
fn wait(looks: &mut usize) {
    *looks += 1;
    if *looks < PATIENCE {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_task_is_done_once_whatever_the_threads() {
        for threads in [1, 2, 5] {
            pool(threads).install(|| {
                Team::gather(|team| {
                    for tasks in (0..300).chain([70_000]) {
                        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
                        team.run(tasks, |task| {
                            counts[task].fetch_add(1, Ordering::Relaxed);
                        });
                        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1), "{threads} {tasks}");
                    }
                });
            });
        }
    }

    #[test]
    fn a_panic_in_a_task_reaches_the_leader_and_leaves_the_pool_whole() {
        let pool = pool(3);
        for _ in 0..20 {
            let panicked = pool.install(|| {
                catch_unwind(AssertUnwindSafe(|| {
                    Team::gather(|team| team.run(64, |task| assert_ne!(task, 40, "the task that fails")));
                }))
            });
            assert!(panicked.is_err());
            let sum = AtomicUsize::new(0);
            pool.install(|| {
                Team::gather(|team| {
                    team.run(10, |task| {
                        sum.fetch_add(task, Ordering::Relaxed);
                    })
                })
            });
            assert_eq!(sum.into_inner(), 45);
        }
    }
}
