//! Memory budget of a Wasm VM, shared by its streams.
//!
//! A VM of Envoy has one thread and serves many streams. A failed allocation ends the VM and all of its streams. Therefore
//! everything whose size a peer chooses is reserved here before it is allocated: the windows and tables of decoders, received
//! bytes that cannot be decoded yet, and decoded bytes.
//!
//! Each message has an [`Account`], for two kinds of memory:
//!
//! - *lasting*, three quarters of the budget: memory that a message keeps between two callbacks. When it is exhausted, one
//!   account loses all of its memory. Candidates are the accounts that have at least half as much as the largest; of these, the
//!   one with the oldest request loses. A peer that fills the budget with many streams therefore loses those, and messages with
//!   little memory are served. A request fails only if its account would have more than twice as much as any other.
//! - *passing*, one quarter: memory that is returned before the callback returns. No other message has any at that time, so
//!   other messages cannot exhaust it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

/// Budget of a VM, under the limit of one policy.
#[derive(Clone)]
pub struct MemoryBudget {
    pool: Rc<Pool>,
    limit: usize,
}

/// Memory account of one message.
#[derive(Clone)]
pub struct Account(Rc<Holder>);

/// Reserved bytes. Dropping the reservation returns them.
pub struct Reservation {
    account: Account,
    bytes: usize,
    is_passing: bool,
}

/// Buffer in reserved memory.
///
/// No `Debug`: it contains bytes of a body.
pub struct Buffer {
    bytes: Vec<u8>,
    reservation: Reservation,
}

/// Error: the budget or the allocator is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// Memory of all messages of a VM.
#[derive(Default)]
struct Pool {
    lasting: Cell<usize>,
    passing: Cell<usize>,
    /// Number of requests for memory.
    clock: Cell<u64>,
    next_id: Cell<u64>,
    /// Accounts, in the order in which they were opened.
    holders: RefCell<BTreeMap<u64, Weak<Holder>>>,
}

struct Holder {
    pool: Rc<Pool>,
    limit: usize,
    id: u64,
    held: Cell<usize>,
    /// Time of the last request, by the pool's clock.
    asked: Cell<u64>,
    /// Frees the memory of the account. False if that is not possible.
    free: RefCell<Option<Box<dyn Fn() -> bool>>>,
}

thread_local! {
    /// A VM has one thread. Successive policies share its memory.
    static POOL: Rc<Pool> = Rc::default();
}

impl MemoryBudget {
    /// Separate budget.
    pub fn new(limit: usize) -> Self {
        Self { pool: Rc::default(), limit }
    }

    /// Budget of this VM, under a limit.
    pub fn of_vm(limit: usize) -> Self {
        // Only while a thread ends is it not there: a VM has none that do.
        Self { pool: POOL.try_with(Rc::clone).unwrap_or_default(), limit }
    }

    /// Number of reserved bytes.
    pub fn used(&self) -> usize {
        self.pool.lasting.get().saturating_add(self.pool.passing.get())
    }

    /// Opens an account for a message.
    pub fn account(&self) -> Account {
        let id = self.pool.next_id.get();
        self.pool.next_id.set(id.wrapping_add(1));
        let holder = Rc::new(Holder {
            pool: Rc::clone(&self.pool),
            limit: self.limit,
            id,
            held: Cell::new(0),
            asked: Cell::new(self.pool.clock.get()),
            free: RefCell::new(None),
        });
        if let Ok(mut holders) = self.pool.holders.try_borrow_mut() {
            holders.insert(id, Rc::downgrade(&holder));
        }
        Account(holder)
    }
}

impl Account {
    /// Lets the budget drop the content of `cell`, which must contain all lasting memory of this account.
    pub fn put_at_stake<T: 'static>(&self, cell: &Rc<RefCell<Option<T>>>) {
        let cell = Rc::downgrade(cell);
        let free = move || {
            let Some(cell) = cell.upgrade() else { return false };
            let taken = cell.try_borrow_mut().map(|mut held| held.take());
            taken.is_ok()
        };
        self.0.free.replace(Some(Box::new(free)));
    }

    /// Empty reservation of lasting memory, which can grow.
    pub fn reservation(&self) -> Reservation {
        Reservation { account: self.clone(), bytes: 0, is_passing: false }
    }

    /// Empty reservation of passing memory, which can grow.
    pub fn passing(&self) -> Reservation {
        Reservation { account: self.clone(), bytes: 0, is_passing: true }
    }

    /// Reserves this many bytes of lasting memory.
    pub fn reserve(&self, bytes: usize) -> Result<Reservation, Exhausted> {
        let mut reservation = self.reservation();
        reservation.grow_to(bytes)?;
        Ok(reservation)
    }

    fn take(&self, bytes: usize) -> Result<(), Exhausted> {
        let Holder { pool, limit, held, asked, .. } = &*self.0;
        pool.clock.set(pool.clock.get().wrapping_add(1));
        asked.set(pool.clock.get());
        while pool.lasting.get().saturating_add(bytes) > limit.saturating_sub(limit >> 2) {
            let victim = pool.victim(&self.0, bytes).ok_or(Exhausted)?;
            // Taken out, so that none is asked twice.
            let free = victim.free.take();
            if !free.is_some_and(|free| free()) {
                return Err(Exhausted);
            }
        }
        pool.lasting.set(pool.lasting.get().saturating_add(bytes));
        held.set(held.get().saturating_add(bytes));
        Ok(())
    }

    fn take_passing(&self, bytes: usize) -> Result<(), Exhausted> {
        let Holder { pool, limit, .. } = &*self.0;
        let passing = pool.passing.get().saturating_add(bytes);
        if passing > limit >> 2 {
            return Err(Exhausted);
        }
        pool.passing.set(passing);
        Ok(())
    }

    fn give_back(&self, bytes: usize, is_passing: bool) {
        let Holder { pool, held, .. } = &*self.0;
        if is_passing {
            pool.passing.set(pool.passing.get().saturating_sub(bytes));
        } else {
            pool.lasting.set(pool.lasting.get().saturating_sub(bytes));
            held.set(held.get().saturating_sub(bytes));
        }
    }
}

impl Pool {
    /// Account that loses its memory, so that `asking` gets `bytes` more. `None` if `asking` itself is too large.
    fn victim(&self, asking: &Holder, bytes: usize) -> Option<Rc<Holder>> {
        let holders = self.holders.try_borrow().ok()?;
        let others = || {
            let others = holders.values().filter_map(Weak::upgrade).filter(|holder| holder.id != asking.id);
            others.filter(|holder| holder.held.get() > 0 && holder.is_at_stake())
        };
        let largest =
            others().map(|holder| holder.held.get()).fold(asking.held.get().saturating_add(bytes), usize::max);
        others().filter(|holder| holder.held.get() >= largest.div_ceil(2)).min_by_key(|holder| holder.asked.get())
    }
}

impl Holder {
    fn is_at_stake(&self) -> bool {
        self.free.try_borrow().is_ok_and(|free| free.is_some())
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        if let Ok(mut holders) = self.pool.holders.try_borrow_mut() {
            holders.remove(&self.id);
        }
    }
}

impl Reservation {
    /// Number of reserved bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Account of the reservation.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Raises the reservation to `bytes`.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), Exhausted> {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            if self.is_passing { self.account.take_passing(more) } else { self.account.take(more) }?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Reserves this many additional bytes.
    pub fn grow_by(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.grow_to(self.bytes.saturating_add(bytes))
    }

    /// Lowers the reservation to `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        if let Some(fewer) = self.bytes.checked_sub(bytes) {
            self.account.give_back(fewer, self.is_passing);
            self.bytes = bytes;
        }
    }

    /// Makes room in `vec` for additional bytes. The capacity doubles up to `most`, unless more is needed. Each byte of the
    /// capacity is reserved `copies` times.
    pub fn make_room(&mut self, vec: &mut Vec<u8>, more: usize, most: usize, copies: usize) -> Result<(), Exhausted> {
        let len = vec.len();
        if vec.capacity().wrapping_sub(len) >= more {
            return Ok(());
        }
        let before = vec.capacity();
        let capacity = before.saturating_mul(2).min(most).max(len.saturating_add(more));
        // While it moves, both are there.
        let mut moving = self.account.passing();
        moving.grow_to(before)?;
        self.grow_to(capacity.saturating_mul(copies))?;
        let reserved = vec.try_reserve_exact(capacity.saturating_sub(len));
        self.shrink_to(vec.capacity().saturating_mul(copies));
        reserved.map_err(|_| Exhausted)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.account.give_back(self.bytes, self.is_passing);
    }
}

impl Buffer {
    /// Empty buffer.
    pub fn new(account: &Account) -> Self {
        Self { bytes: Vec::new(), reservation: account.reservation() }
    }

    /// True if this many bytes can be appended.
    pub fn has_room(&self, more: usize) -> bool {
        self.bytes.capacity().wrapping_sub(self.bytes.len()) >= more
    }

    /// Makes room for additional bytes. The capacity doubles up to `most`, unless more is needed.
    pub fn make_room(&mut self, more: usize, most: usize) -> Result<(), Exhausted> {
        self.reservation.make_room(&mut self.bytes, more, most, 1)
    }

    /// Appends `bytes`. The buffer doubles up to `most`, unless more is needed.
    pub fn extend(&mut self, bytes: &[u8], most: usize) -> Result<(), Exhausted> {
        self.make_room(bytes.len(), most)?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The bytes, mutable. Appending requires room.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The bytes, without their reservation.
    pub fn into_bytes(mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

impl std::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Budget with this much lasting memory.
    fn budget_of(lasting: usize) -> MemoryBudget {
        MemoryBudget::new(lasting * 4 / 3)
    }

    /// Message whose memory the budget may drop.
    struct Stream {
        account: Account,
        held: Rc<RefCell<Option<Reservation>>>,
    }

    impl Stream {
        fn new(budget: &MemoryBudget) -> Self {
            let account = budget.account();
            let held = Rc::new(RefCell::new(Some(account.reservation())));
            account.put_at_stake(&held);
            Self { account, held }
        }

        /// `None` if the budget dropped the memory.
        fn grow_to(&self, bytes: usize) -> Option<Result<(), Exhausted>> {
            self.held.borrow_mut().as_mut().map(|held| held.grow_to(bytes))
        }

        fn holding(budget: &MemoryBudget, bytes: usize) -> Self {
            let stream = Self::new(budget);
            assert_eq!(stream.grow_to(bytes), Some(Ok(())));
            stream
        }

        fn is_evicted(&self) -> bool {
            self.held.borrow().is_none()
        }
    }

    #[test]
    fn what_is_dropped_can_be_had_again() {
        let budget = budget_of(100);
        let account = budget.account();
        let mut first = account.reserve(60).unwrap();
        assert!(account.reserve(41).is_err());
        let second = account.reserve(40).unwrap();
        assert_eq!((budget.used(), first.grow_to(61)), (100, Err(Exhausted)));
        drop(second);
        assert_eq!((first.grow_by(40), first.bytes(), budget.used()), (Ok(()), 100, 100));
        first.shrink_to(7);
        assert_eq!(budget.used(), 7);
        drop(first);
        assert_eq!((budget.used(), budget.account().reserve(100).is_ok()), (0, true));
    }

    #[test]
    fn the_largest_goes_first_and_at_once() {
        let budget = budget_of(100);
        let small = Stream::holding(&budget, 10);
        let large = Stream::holding(&budget, 60);
        let middle = Stream::holding(&budget, 25);
        let innocent = Stream::holding(&budget, 20);
        assert_eq!([&small, &large, &middle, &innocent].map(Stream::is_evicted), [false, true, false, false]);
        assert_eq!((large.grow_to(1), budget.used()), (None, 55));
    }

    #[test]
    fn of_those_that_hold_about_as_much_the_idle_one_goes_first() {
        let budget = budget_of(100);
        let streams = [30, 25, 30].map(|bytes| Stream::holding(&budget, bytes));
        // The first one is busy.
        assert_eq!(streams[0].grow_to(31), Some(Ok(())));
        let innocent = Stream::holding(&budget, 30);
        assert_eq!(streams.each_ref().map(Stream::is_evicted), [false, true, false]);
        assert!(!innocent.is_evicted());
    }

    #[test]
    fn who_asks_for_more_than_anybody_holds_is_refused() {
        let budget = budget_of(100);
        let others: Vec<_> = (0..9).map(|_| Stream::holding(&budget, 10)).collect();
        let greedy = Stream::new(&budget);
        assert_eq!(greedy.grow_to(21), Some(Err(Exhausted)));
        assert!(others.iter().all(|other| !other.is_evicted()));
        assert_eq!(greedy.grow_to(20), Some(Ok(())));
        assert_eq!(others.iter().filter(|other| other.is_evicted()).count(), 1);
    }

    #[test]
    fn what_is_not_at_stake_is_not_taken_away() {
        let budget = budget_of(100);
        let fixed = budget.account().reserve(90).unwrap();
        let stream = Stream::new(&budget);
        assert_eq!((stream.grow_to(11), stream.grow_to(10)), (Some(Err(Exhausted)), Some(Ok(()))));
        assert_eq!(fixed.bytes(), 90);
    }

    #[test]
    fn what_passes_is_not_taken_from_what_lasts() {
        let budget = MemoryBudget::new(400);
        let stream = Stream::holding(&budget, 300);
        let account = budget.account();
        let mut passing = account.passing();
        assert_eq!((passing.grow_to(101), passing.grow_to(100), budget.used()), (Err(Exhausted), Ok(()), 400));
        assert!(!stream.is_evicted());
        drop(passing);
        assert_eq!(budget.used(), 300);
    }

    #[test]
    fn policies_share_the_memory_of_a_vm() {
        let held = MemoryBudget::of_vm(133).account().reserve(60).unwrap();
        let strict = MemoryBudget::of_vm(93).account();
        assert!(strict.reserve(11).is_err() && strict.reserve(10).is_ok());
        drop(held);
        assert!(strict.reserve(70).is_ok());
    }

    #[test]
    fn a_buffer_counts_what_it_takes_and_not_what_it_holds() {
        let budget = budget_of(1000);
        let mut buffer = Buffer::new(&budget.account());
        for len in 1..=400 {
            buffer.extend(b"4", 400).unwrap();
            assert_eq!(buffer.len(), len);
            assert_eq!(budget.used(), buffer.bytes().capacity());
        }
        assert!(budget.used() <= 400, "{}", budget.used());
        // Both the old and the new one would be there for a moment, and there are but 333 bytes for that.
        assert_eq!(buffer.extend(&[4; 500], 400), Err(Exhausted));
        assert_eq!((buffer.len(), budget.used()), (400, buffer.bytes().capacity()));
        assert_eq!(buffer.into_bytes(), [b'4'; 400]);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_no_allocator_gives_is_refused() {
        let mut buffer = Buffer::new(&MemoryBudget::new(usize::MAX).account());
        assert_eq!(buffer.make_room(usize::MAX >> 1, 0), Err(Exhausted));
        assert!(buffer.is_empty());
    }

    proptest! {
        /// For any order in which streams begin, grow and end: the limit holds, the count equals the memory in use, and a
        /// stream loses its memory only to one with at most twice as much.
        #[test]
        fn the_limit_holds(steps in prop::collection::vec((0..12_usize, 0..400_usize), 0..200)) {
            const LIMIT: usize = 1000;
            let budget = budget_of(LIMIT);
            let mut streams: Vec<Stream> = (0..12).map(|_| Stream::new(&budget)).collect();
            for (index, bytes) in steps {
                if bytes == 0 || streams[index].is_evicted() {
                    streams[index] = Stream::new(&budget);
                }
                let held = |stream: &Stream| stream.account.0.held.get();
                let before: Vec<usize> = streams.iter().map(held).collect();
                let grown = streams[index].grow_to(bytes).unwrap();
                prop_assert!(budget.used() <= LIMIT);
                prop_assert_eq!(streams.iter().map(held).sum::<usize>(), budget.used());
                for (other, held) in streams.iter().zip(before) {
                    if other.is_evicted() && held > 0 {
                        prop_assert!(held * 2 + 1 >= bytes);
                    }
                }
                if grown.is_err() {
                    // Nobody else held half as much.
                    prop_assert!(streams.iter().enumerate().all(|(at, other)| at == index || held(other) * 2 < bytes));
                }
            }
        }
    }
}
