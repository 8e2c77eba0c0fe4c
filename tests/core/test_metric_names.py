"""The direction of a metric, by its name; a name that does not show it has none."""

import pytest

from hpsearch.core.metric_names import goal_of, is_never_negative

HIGHER = (
    "val_accuracy eval/acc acc@1 Acc1 valAccuracy top5_acc accuracy_top5 f1_score macro_f1 roc_auc AUC "
    "average_precision mAP50 map50 metrics/mAP50-95(B) mIoU meanIoU val/IoU dice_coef jaccard bleu BLEU-4 "
    "sacrebleu rougeL rouge1 meteor r2 R2 r2_score r_squared explained_variance psnr MS-SSIM si_sdr "
    "episode_reward mean_return win_rate success_rate hits@10 MRR ndcg@10 matthews_corrcoef cohen_kappa "
    "spearmanr log_likelihood exact_match true_positive_rate neg_mean_squared_error neg_log_loss "
    "R@1 val/P@5 EM squad_em MOTA pck val_neg_mae pixAcc prec1 mean_rewards fscore logprob"
)
LOWER = (
    "val_loss MAE rmse mean_squared_error perplexity ppl wer CER error_rate top5_err top1_error auc_loss "
    "dice_loss r2_loss bce cross_entropy LogLoss log_loss hinge smape MAPE rmsle bits_per_byte eer lpips "
    "crps ece hd95 chamfer_distance fid kl_div false_positive_rate negative_log_likelihood "
    "neg_log_likelihood 1-accuracy 1-auc brier_score val_losses nrmse tloss misclass auc_losses"
)
UNKNOWN = (
    "elbo latency accuracy_loss score value metric x distance win_loss_ratio error_detection_f1 mapping errands "
    "negative_predictive_value"
)


@pytest.mark.parametrize(
    ("names", "goal"), [(HIGHER, "maximize"), (LOWER, "minimize"), (UNKNOWN, None)], ids=["up", "down", "unknown"]
)
def test_the_direction_of_a_name(names: str, goal: str | None) -> None:
    assert {name: goal_of(name) for name in names.split()} == dict.fromkeys(names.split(), goal)


def test_names_of_metrics_without_negative_values() -> None:
    assert is_never_negative("val_accuracy")
    assert not is_never_negative("neg_mean_squared_error")
    assert not is_never_negative("map_loss")
