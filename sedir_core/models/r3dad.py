"""R3D-AD's networks: a PointNet code that conditions a diffusion over points (Zhou et al., ECCV 2024).

Parameters are named as in the public code, without the log-variance branch that nothing reads there. Points do not see
each other: all that a point knows of the part is the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_STEPS, FIRST_BETA, LAST_BETA = 200, 1e-4, 0.05
CODE = 256
_WIDTHS = (3, 128, 256, 512, 256, 128, 3)


@dataclass(frozen=True)
class Schedule:
    """Of the diffusion, step 1 first, (200,) each: noise added, share of the signal kept, noise of a step back."""

    betas: Tensor
    kept: Tensor
    sigmas: Tensor

    @classmethod
    def published(cls) -> Schedule:
        # On the CPU whatever the default device is: a network may be built without memory.
        betas = torch.linspace(FIRST_BETA, LAST_BETA, N_STEPS, dtype=torch.float64, device="cpu")
        kept = torch.cumprod(1 - betas, dim=0)
        before = torch.cat((torch.ones(1, dtype=torch.float64, device="cpu"), kept[:-1]))
        return cls(betas.float(), kept.float(), (betas * (1 - before) / (1 - kept)).sqrt().float())

    def to(self, device: torch.device) -> Schedule:
        """The same on another device."""
        return Schedule(self.betas.to(device), self.kept.to(device), self.sigmas.to(device))


class R3dad(nn.Module):
    """Draws the normal shape that goes with a cloud."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = PointCode()
        self.net = Denoiser()
        self.schedule = Schedule.published()

    def noised(self, points: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        """(B, n, 3) at steps (B,), counted from 1."""
        share = self._kept(steps)
        return share.sqrt() * points + (1 - share).sqrt() * noise

    def noise_in(self, noised: Tensor, steps: Tensor, code: Tensor) -> Tensor:
        """The noise (B, n, 3) that the network sees."""
        out: Tensor = self.net(noised, self.schedule.betas.to(noised.device)[steps - 1], code)
        return out

    def noise_loss(self, points: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        """The released training: mean squared error of the noise [R]."""
        seen = self.noise_in(self.noised(points, noise, steps), steps, self.encoder(points))
        return F.mse_loss(seen, noise)

    def displacement(self, points: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        """What a cloud (B, n, 3) lacks of the normal one, point by point, estimated from one noised look [R]."""
        share = self._kept(steps)
        seen = self.noise_in(self.noised(points, noise, steps), steps, self.encoder(points))
        return points + ((1 - share) / share).sqrt() * (noise - seen)

    def displacement_loss(self, points: Tensor, clean: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        """The paper's training, as the code's option `rel` computes it: a defective cloud and its clean partner [R]."""
        return F.mse_loss(points + self.displacement(points, noise, steps), clean)

    @torch.no_grad()
    def draw(self, points: Tensor, generator: torch.Generator) -> Tensor:
        """A drawing (B, n, 3) of the shape that the cloud should have; no point of it belongs to one of the cloud."""
        code, schedule = self.encoder(points), self.schedule.to(points.device)
        at = torch.randn(points.shape, generator=generator, device=points.device)
        for step in range(N_STEPS, 0, -1):
            beta, share, sigma = (one[step - 1] for one in (schedule.betas, schedule.kept, schedule.sigmas))
            noise = self.net(at, beta.expand(len(points)), code)
            at = (at - beta / (1 - share).sqrt() * noise) / (1 - beta).sqrt()
            if step > 1:
                at = at + sigma * torch.randn(at.shape, generator=generator, device=at.device)
        return at

    def _kept(self, steps: Tensor) -> Tensor:
        return self.schedule.kept.to(steps.device)[steps - 1][:, None, None]


class PointCode(nn.Module):
    """(B, n, 3) -> (B, 256): layers shared by the points, their maximum, three layers more."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(3, 128, 1), nn.Conv1d(128, 128, 1)
        self.conv3, self.conv4 = nn.Conv1d(128, 256, 1), nn.Conv1d(256, 512, 1)
        self.bn1, self.bn2, self.bn3, self.bn4 = (nn.BatchNorm1d(width) for width in (128, 128, 256, 512))
        self.fc1_m, self.fc2_m, self.fc3_m = nn.Linear(512, 256), nn.Linear(256, 128), nn.Linear(128, CODE)
        self.fc_bn1_m, self.fc_bn2_m = nn.BatchNorm1d(256), nn.BatchNorm1d(128)

    def forward(self, points: Tensor) -> Tensor:
        at = points.transpose(1, 2)
        for conv, norm in ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)):
            at = F.relu(norm(conv(at)))
        at = self.bn4(self.conv4(at)).amax(dim=2)
        at = F.relu(self.fc_bn1_m(self.fc1_m(at)))
        at = F.relu(self.fc_bn2_m(self.fc2_m(at)))
        code: Tensor = self.fc3_m(at)
        return code


class Denoiser(nn.Module):
    """Six layers whose gates and shifts follow from the step and the code."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_GatedLayer(wide, out) for wide, out in pairwise(_WIDTHS))

    def forward(self, points: Tensor, beta: Tensor, code: Tensor) -> Tensor:
        """points (B, n, 3), beta (B,), code (B, 256) -> noise (B, n, 3)."""
        step = torch.stack((beta, torch.sin(beta), torch.cos(beta)), dim=1)
        context = torch.cat((step, code), dim=1)[:, None]
        at = points
        for i, layer in enumerate(self.layers):
            at = layer(at, context)
            if i < len(self.layers) - 1:
                at = F.leaky_relu(at)
        return points + at


class _GatedLayer(nn.Module):
    def __init__(self, width: int, width_out: int) -> None:
        super().__init__()
        self._layer = nn.Linear(width, width_out)
        self._hyper_bias = nn.Linear(CODE + 3, width_out, bias=False)
        self._hyper_gate = nn.Linear(CODE + 3, width_out)

    def forward(self, points: Tensor, context: Tensor) -> Tensor:
        gated: Tensor = self._layer(points) * torch.sigmoid(self._hyper_gate(context))
        shift: Tensor = self._hyper_bias(context)
        return gated + shift
