"""PyTorch as a rival: products and the tagger's training step, on so many CPU threads or on the first CUDA card.

    python3 pytorch.py cpu <threads>
    python3 pytorch.py cuda

Speaks the benches' protocol (protocol.ts): one JSON object a line on standard input, answers behind `@bench ` on standard output.
"""
import json
import sys
import time


def say(message):
    print('@bench ' + json.dumps(message), flush=True)


try:
    import numpy as np
    import torch
    from torch import nn
except Exception as error:
    say({'unavailable': f'{type(error).__name__}: {error}'})
    sys.exit(0)

KIND = sys.argv[1]
if KIND == 'cuda' and not torch.cuda.is_available():
    say({'unavailable': 'torch.cuda.is_available() is False'})
    sys.exit(0)
DEVICE = torch.device(KIND)
if KIND == 'cpu':
    torch.set_num_threads(int(sys.argv[2]))


def allow_tf32(allowed):
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def wait():
    if KIND == 'cuda':
        torch.cuda.synchronize()


def arrays(file):
    raw = np.fromfile(file['path'], dtype=np.float32)
    out = {}
    for entry in file['entries']:
        size = int(np.prod(entry['shape']))
        at = entry['offset'] // 4
        out[entry['name']] = torch.from_numpy(raw[at:at + size].reshape(entry['shape']).copy())
    return out


class Product:
    def __init__(self, request):
        given = arrays(request['arrays'])
        self.a, self.b = given['a'].to(DEVICE), given['b'].to(DEVICE)
        self.tf32 = request['tf32']

    def probe(self, at):
        allow_tf32(self.tf32)
        return (self.a @ self.b).reshape(-1)[torch.tensor(at, device=DEVICE)].tolist()

    def run(self, count):
        allow_tf32(self.tf32)
        wait()
        start = time.perf_counter()
        for _ in range(count):
            self.a @ self.b
        wait()
        return (time.perf_counter() - start) * 1000 / count


class Tagger(nn.Module):
    def __init__(self, spec):
        super().__init__()
        self.embedding = nn.Embedding(spec['vocabulary'], spec['embedding'])
        cell = {'lstm': nn.LSTM, 'gru': nn.GRU, 'rnn': nn.RNN}[spec['cell']]
        both = spec['bidirectional']
        self.rnn = cell(spec['embedding'], spec['hidden'], spec['layers'], bidirectional=both, batch_first=True)
        self.head = nn.Linear(spec['hidden'] * (2 if both else 1), spec['tags'])

    def forward(self, ids):
        return self.head(self.rnn(self.embedding(ids))[0])


class Training:
    def __init__(self, request):
        self.spec = request['spec']
        self.model = Tagger(self.spec)
        self.model.load_state_dict(arrays(request['weights']))
        self.model.to(DEVICE)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.loss_of = nn.CrossEntropyLoss()
        self.tf32 = request['variant']['tf32']

    def run(self, batches):
        allow_tf32(self.tf32)
        losses, times = [], []
        shape = (self.spec['batch'], self.spec['time'])
        for batch in batches:
            ids, tags = torch.tensor(batch['ids']), torch.tensor(batch['tags'])
            start = time.perf_counter()
            scores = self.model(ids.to(DEVICE).reshape(shape)).reshape(-1, self.spec['tags'])
            self.optimizer.zero_grad()
            loss = self.loss_of(scores, tags.to(DEVICE))
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
            wait()
            times.append((time.perf_counter() - start) * 1000)
        return {'losses': losses, 'ms': times}


name = torch.cuda.get_device_name(0) if KIND == 'cuda' else f'CPU, threads: {torch.get_num_threads()}'
say({'adapter': name, 'version': f'PyTorch {torch.__version__}'})
handles = {}
for line in sys.stdin:
    try:
        request = json.loads(line)
        key = request['handle']
        if request['do'] == 'gemm':
            handles[key] = Product(request)
            say({'values': handles[key].probe(request['probe'])})
        elif request['do'] == 'gemm-run':
            say({'ms': handles[key].run(request['count'])})
        elif request['do'] == 'train':
            handles[key] = Training(request)
            say({})
        elif request['do'] == 'train-run':
            say(handles[key].run(request['batches']))
        else:
            handles.pop(key, None)
            say({})
    except Exception as error:
        say({'error': f'{type(error).__name__}: {error}'})
