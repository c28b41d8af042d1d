"""PyTorch's side of the round trip: writes a tagger's state dict and scores, and loads what weft wrote, strictly.

    torch_side.py make FOLDER SIZES     writes torch.safetensors and torch-scores.safetensors
    torch_side.py check FOLDER SIZES    reads weft.safetensors, writes returned.safetensors and returned-scores.safetensors

SIZES is JSON. The files are safetensors by hand: the length of the header, the header in JSON, the numbers.
"""
import json
import sys
from pathlib import Path

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

DTYPES = {"F32": torch.float32, "I32": torch.int32, "I64": torch.int64}


class Tagger(torch.nn.Module):
    """Embedding, two-layer bidirectional LSTM on packed rows, layer norm, ReLU, linear: the tagger of weft under its names."""

    def __init__(self, vocabulary, embedding, hidden, layers, tags):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding, padding_idx=0)
        self.lstm = torch.nn.LSTM(embedding, hidden, num_layers=layers, bidirectional=True, batch_first=True)
        self.norm = torch.nn.LayerNorm(2 * hidden)
        self.classifier = torch.nn.Linear(2 * hidden, tags)

    def forward(self, ids, lengths):
        rows = pack_padded_sequence(self.embedding(ids), lengths, batch_first=True, enforce_sorted=False)
        output = pad_packed_sequence(self.lstm(rows)[0], batch_first=True, total_length=ids.shape[1])[0]
        return self.classifier(torch.relu(self.norm(output)))


def write(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        dtype = next(key for key, value in DTYPES.items() if value == tensor.dtype)
        raw = bytes(tensor.detach().contiguous().view(torch.uint8).flatten().tolist())
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def read(path):
    file = path.read_bytes()
    start = 8 + int.from_bytes(file[:8], "little")
    tensors = {}
    for name, entry in json.loads(file[8:start]).items():
        if name != "__metadata__":
            begin, end = (start + offset for offset in entry["data_offsets"])
            raw = torch.frombuffer(bytearray(file[begin:end]), dtype=DTYPES[entry["dtype"]])
            tensors[name] = raw.reshape(entry["shape"])
    return tensors


def ragged(count, longest, vocabulary, tags):
    """Rows of different lengths, padded with 0, and a tag for every id; -100 has no loss."""
    lengths = torch.randint(1, longest + 1, (count,))
    lengths[0] = longest
    ids = torch.randint(1, vocabulary, (count, longest))
    padding = torch.arange(longest) >= lengths[:, None]
    return {"ids": ids.masked_fill(padding, 0), "tags": (ids % tags).masked_fill(padding, -100), "lengths": lengths}


def make(folder, model, sizes):
    rows = ragged(6, 11, sizes["vocabulary"], sizes["tags"])
    write(folder / "torch.safetensors", model.state_dict())
    write(folder / "torch-scores.safetensors", {**rows, "scores": model(rows["ids"], rows["lengths"])})


def check(folder, model, _sizes):
    rows = read(folder / "torch-scores.safetensors")
    model.load_state_dict(read(folder / "weft.safetensors"), strict=True)
    write(folder / "returned.safetensors", model.state_dict())
    write(folder / "returned-scores.safetensors", {"scores": model(rows["ids"], rows["lengths"])})


if __name__ == "__main__":
    torch.manual_seed(1)
    command, folder, sizes = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    {"make": make, "check": check}[command](folder, Tagger(**sizes).eval(), sizes)
