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
            let scorer = tokio::task::spawn_blocking(loading).await??;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(ScoredResolver::new(scorer, NAME))
        };
        match self.loaded.get_or_try_init(load).await {
            Ok(resolver) => Some(resolver),
            Err(error) => {
                tracing::warn!(models = %self.models.display(), %error, "no model looks at exceptions");
                self.watch.look_again();
                None
            }
        }
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
