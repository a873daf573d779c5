//! The fraud model looks at the sales of an exception, where the configuration gives it time to.

use std::path::PathBuf;
use std::sync::Arc;

use edgepos::inference::{Engines, FraudConfig, FraudScorer};
use edgepos::model::{Advice, Fallback};
use edgepos::{Adviser, Case, ModelWatch, Node, Resolver, Rules, ScoredResolver, async_trait};
use tokio::sync::OnceCell;

/// What the model is called in what it proposes.
const NAME: &str = "fraud";

/// A resolver whose model costs nothing until the first exception is raised.
struct LoadedWhenAsked {
    models: PathBuf,
    watch: ModelWatch,
    node: Node,
    loaded: OnceCell<ScoredResolver>,
}

/// Has the model asked about each exception, until the terminal stops.
pub(super) fn start(models: PathBuf, watch: ModelWatch, node: Node) {
    let resolver = LoadedWhenAsked { models, watch, node: node.clone(), loaded: OnceCell::new() };
    let adviser = Adviser::new(Arc::new(resolver));
    tokio::spawn(async move { adviser.run(&node).await });
}

impl LoadedWhenAsked {
    /// The model; `None` where it cannot be loaded, which is tried again with the next exception.
    async fn load(&self) -> Option<&ScoredResolver> {
        let load = || async {
            let (models, engines) =
                (self.models.clone(), Engines::standard().telling(self.node.model_listener()));
            let loading = move || FraudScorer::load_with(&models, FraudConfig::default(), &engines);
            let loaded = tokio::task::spawn_blocking(loading).await.map_err(|error| error.to_string())?;
            loaded.map(|scorer| ScoredResolver::new(scorer, NAME)).map_err(|error| error.to_string())
        };
        let loaded: Result<_, String> = self.loaded.get_or_try_init(load).await;
        let warn = |error: &String| {
            tracing::warn!(models = %self.models.display(), %error, "no model looks at exceptions");
            self.watch.look_again();
        };
        loaded.inspect_err(warn).ok()
    }
}

#[async_trait]
impl Resolver for LoadedWhenAsked {
    async fn advise(&self, case: &Case) -> Advice {
        match self.load().await {
            Some(resolver) => resolver.advise(case).await,
            None => Advice { fallback: Some(Fallback::NO_MODEL), ..Rules.advise(&case.raised) },
        }
    }
}
