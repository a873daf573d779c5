//! A threshold that is not a number would never ask for a confirmation and never raise a flag.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

mod support;

use edgepos_inference::{
    FraudConfig, FraudScorer, ProductConfig, ProductRecognizer, VoiceConfig, VoiceRecognizer, with_causes,
};
use support::{copy_of_models, product};

#[test]
fn a_threshold_that_is_not_a_number_is_refused() {
    let models = copy_of_models();
    let none = Some(f32::NAN);
    let errors = [
        ProductRecognizer::load(models.path(), ProductConfig { confirm_below: none, ..product() })
            .unwrap_err(),
        VoiceRecognizer::load(models.path(), VoiceConfig { confirm_below: none, ..VoiceConfig::default() })
            .unwrap_err(),
        FraudScorer::load(models.path(), FraudConfig { flag_from: none, ..FraudConfig::default() })
            .unwrap_err(),
    ];
    for error in errors {
        assert!(
            with_causes(&error).contains("the threshold in its configuration is not a number"),
            "{error}"
        );
    }
}
