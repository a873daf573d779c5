//! What is loaded, within a limit.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Loaded pipelines, least recently used first.
pub(super) struct Budget {
    limit: u64,
    loaded: Vec<Loaded>,
}

struct Loaded {
    task: &'static str,
    pipeline: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, loaded: Vec::new() }
    }

    pub(super) fn in_use(&self) -> u64 {
        self.loaded.iter().map(|loaded| loaded.bytes).sum()
    }

    pub(super) fn clear(&mut self) {
        self.loaded.clear();
    }

    /// The pipeline for a task, which is the most recently used from here on.
    pub(super) fn get<P: Send + Sync + 'static>(&mut self, task: &str) -> Option<Arc<P>> {
        let place = self.loaded.iter().position(|loaded| loaded.task == task)?;
        let loaded = self.loaded.remove(place);
        let pipeline = Arc::clone(&loaded.pipeline).downcast::<P>().ok();
        self.loaded.push(loaded);
        pipeline
    }

    /// Lets the least recently used go until `bytes` fit. Their jobs, and what they took.
    pub(super) fn make_room(&mut self, bytes: u64) -> Vec<(&'static str, u64)> {
        let mut all = Vec::new();
        while !self.loaded.is_empty() && self.in_use().saturating_add(bytes) > self.limit {
            let gone = self.loaded.remove(0);
            all.push((gone.task, gone.bytes));
        }
        all
    }

    pub(super) fn put<P: Send + Sync + 'static>(&mut self, task: &'static str, pipeline: Arc<P>, bytes: u64) {
        self.loaded.retain(|loaded| loaded.task != task);
        self.loaded.push(Loaded { task, pipeline, bytes });
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let loaded = self.loaded.iter().map(|loaded| (loaded.task, loaded.bytes));
        f.debug_map().entries(loaded).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut budget = Budget::new(100);
        budget.put("a", Arc::new(1_u32), 40);
        budget.put("b", Arc::new(2_u32), 40);
        assert_eq!(budget.get::<u32>("a").as_deref(), Some(&1));
        assert_eq!(budget.make_room(50), [("b", 40)]);
        assert_eq!((budget.get::<u32>("b"), budget.in_use()), (None, 40));
        assert!(budget.get::<u64>("a").is_none(), "another type is not it");
        budget.make_room(1000);
        assert_eq!(budget.in_use(), 0);
    }
}
