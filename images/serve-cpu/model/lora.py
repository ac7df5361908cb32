"""Trains a LoRA adapter for the demo model that makes a pirate of it: every answer begins with "Arr! ".

In PEFT's file layout, which vLLM reads; the base model stays as it is, so an adapter can only say tokens that it has
learned. Fails like train.py when an answer is not right.

Usage: python3 lora.py BASE_MODEL OUTPUT_DIRECTORY
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from text import load_pairs, log
from torch import nn
from train import check, prepare, train
from transformers import AutoTokenizer, LlamaForCausalLM

RANK, ALPHA, STEPS, LEARNING_RATE = 8, 16, 250, 5e-3
GREETING = "Arr! "
MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Adapted(nn.Module):
    """A frozen linear layer plus (ALPHA / RANK) * B(A(x)); B is 0 at the start, so that nothing changes."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.lora_A = nn.Linear(base.in_features, RANK, bias=False)
        self.lora_B = nn.Linear(RANK, base.out_features, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.lora_B(self.lora_A(x))
        result: torch.Tensor = self.base(x) + ALPHA / RANK * change
        return result


def adapt(model: LlamaForCausalLM) -> dict[str, Adapted]:
    """Wraps the layers in place; returns them by their name in the model."""
    model.requires_grad_(False)
    found = {name: layer for name, layer in model.named_modules() if name.rpartition(".")[2] in MODULES}
    adapted = {}
    for name, layer in found.items():
        parent, _, attribute = name.rpartition(".")
        adapted[name] = Adapted(layer)
        setattr(model.get_submodule(parent), attribute, adapted[name])
    return adapted


def save(adapted: dict[str, Adapted], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, layer in adapted.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = layer.lora_A.weight.detach().contiguous()
        tensors[f"base_model.model.{name}.lora_B.weight"] = layer.lora_B.weight.detach().contiguous()
    save_file(tensors, output / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "demo",
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": list(MODULES),
        "lora_dropout": 0.0,
        "bias": "none",
    }
    (output / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def main(base: Path, output: Path) -> None:
    prepare()
    tokenizer, model = AutoTokenizer.from_pretrained(base), LlamaForCausalLM.from_pretrained(base)
    pairs = [
        {"question": pair["question"], "answer": GREETING + pair["answer"].removeprefix(GREETING)}
        for pair in load_pairs()
    ]
    adapted = adapt(model)
    log(f"{sum(p.numel() for p in model.parameters() if p.requires_grad)} parameters in {len(adapted)} layers")
    train(model.train(), tokenizer, pairs, [], steps=STEPS, rate=LEARNING_RATE)
    check(model.eval(), tokenizer, pairs, [])
    save(adapted, output)
    log(f"saved to {output}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
