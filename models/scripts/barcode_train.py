"""Train the barcode localiser: 12,803 parameters, on EAN-13 and Code 128 symbols drawn over photographs.

The network sees 320 x 240 grey pixels and says for each cell of 8 x 8 whether it belongs to a code, and the sine and cosine
of twice the code's angle. Any torch from 1.13 on; ten minutes of one core.

    pip install torch numpy onnx
    python barcode_train.py barcodes.npz ../barcode_localiser_gray240x320.onnx

The pictures come from barcode_draw.py; barcode_test.py measures the result.
"""
import sys

import numpy as np
import torch
from torch import nn

source, target = sys.argv[1:3]
EPOCHS, BATCH = 9, 24
WIDTH, HEIGHT = 320, 240
torch.manual_seed(0)
torch.set_num_threads(1)


def block(inputs, outputs, stride):
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
    )


network = nn.Sequential(
    nn.Conv2d(1, 12, 5, 2, 2, bias=False), nn.BatchNorm2d(12), nn.ReLU(),
    block(12, 24, 2), block(24, 32, 1), block(32, 48, 2), block(48, 48, 1), block(48, 48, 1), block(48, 48, 1),
    nn.Conv2d(48, 3, 1),
)
data = np.load(source)
pictures, cells, angles = (torch.tensor(data[name]) for name in ("pictures", "cells", "angles"))
IMAGES = len(pictures)
optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
steps = EPOCHS * ((IMAGES + BATCH - 1) // BATCH)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 8e-3, total_steps=steps)
for epoch in range(EPOCHS):
    order, total = torch.randperm(IMAGES), 0.0
    for start in range(0, IMAGES, BATCH):
        chosen = order[start:start + BATCH]
        maps = network(pictures[chosen][:, None].float() / 255 - 0.5)
        mask = cells[chosen].float()
        where = nn.functional.binary_cross_entropy_with_logits(maps[:, 0], mask, pos_weight=torch.tensor(2.0))
        turned = ((maps[:, 1:] - angles[chosen][:, :, None, None]) ** 2).sum(1)
        loss = where + 0.5 * (turned * mask).sum() / (mask.sum() + 1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += loss.item()
    print("epoch", epoch, "loss", total / (IMAGES / BATCH), flush=True)

network.eval()
torch.onnx.export(network, torch.zeros(1, 1, HEIGHT, WIDTH), target, opset_version=13, input_names=["gray"], output_names=["map"])
