"""Runs in the peers' environment, in an exported folder: NeMo Automodel's typed configuration, and what it reads.

argv: none. A line with what the sections became, then a line a row: what is trained, and all of it.
"""

import json
import sys
from types import ModuleType

for name in ("torchdata", "torchdata.stateful_dataloader", "torchdata.stateful_dataloader.sampler"):
    sys.modules[name] = ModuleType(name)  # is only named
sys.modules["torchdata.stateful_dataloader"].StatefulDataLoader = type("StatefulDataLoader", (), {})
sys.modules["torchdata.stateful_dataloader.sampler"].StatefulDistributedSampler = type("Sampler", (), {})

import nemo_automodel  # noqa: E402

# the model is not built, and what builds it wants torchao
nemo_automodel.NeMoAutoModelForCausalLM = type("NeMoAutoModelForCausalLM", (), {"from_pretrained": classmethod(print)})

from nemo_automodel.cli.utils import load_yaml, resolve_recipe_name  # noqa: E402
from nemo_automodel.components.config.loader import load_yaml_config  # noqa: E402
from nemo_automodel.recipes._typed_config import RecipeConfig  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

resolve_recipe_name(load_yaml("train.yaml")["recipe"])
config = RecipeConfig(load_yaml_config("train.yaml"))
steps, schedule, optimizer, checkpoint = config.step_scheduler, config.lr_scheduler, config.optimizer, config.checkpoint
peft = config.peft.instantiate() if config.get("peft") is not None else None
told = {
    "model": config.model.pretrained_model_name_or_path, "epochs": steps.num_epochs, "batch": steps.global_batch_size,
    "warmup": schedule.lr_warmup_steps, "optimizer": type(optimizer).__name__, "learning_rate": optimizer.kwargs["lr"],
    "betas": list(optimizer.kwargs["betas"]), "output_dir": str(checkpoint.checkpoint_dir), "seed": config.get("seed"),
    "lora": [peft.dim, peft.alpha, peft.dropout] if peft else None, "loss": type(config.loss_fn).__name__,
}  # fmt: skip
print(json.dumps(told))
tokenizer = AutoTokenizer.from_pretrained(config.model.pretrained_model_name_or_path)
for name, loader in (("train", config.dataloader), *config.validation_dataloaders.items()):
    dataset = loader.dataset_config.build(tokenizer=tokenizer)
    for index in range(len(dataset)):
        row = dataset[index]
        trained = [label for label in row["labels"] if label != -100]
        told = {"trained": tokenizer.decode(trained), "all": tokenizer.decode(row["input_ids"])}
        print(json.dumps({"dataset": name, **told}))
