// Tables over the binding limit, cut into runs of whole rows.
import { refuse } from '../check.ts';
import type { BufferView } from '../gpu/kernel.ts';
import type { Tensor } from './tensor.ts';

export interface RowPiece {
  readonly firstRow: number;
  readonly rowCount: number;
  readonly view: BufferView;
}

/** A table `[rows, …]` as pieces of whole rows that fit the binding limit; one piece where the whole fits. */
export function rowPieces(table: Tensor): RowPiece[] {
  const rows = table.shape[0] ?? 1;
  const rowBytes = table.bytes / Math.max(rows, 1);
  const limit = table.device.maxBindingBytes;
  // Piece starts must fall on 256 bytes: whole multiples of this many rows do.
  const unit = 256 / gcd(256, rowBytes);
  const fit = table.bytes <= limit ? rows : Math.floor(limit / rowBytes / unit) * unit;
  if (fit < 1 && rows > 0)
    refuse(
      'rowPieces',
      'row size',
      `at most ${Math.floor(limit / unit)} bytes (the binding limit, ${unit} rows at a time)`,
      rowBytes,
      'Use narrower rows.',
    );
  const pieces = [];
  for (let firstRow = 0; firstRow < rows; firstRow += fit) {
    const rowCount = Math.min(fit, rows - firstRow);
    pieces.push({
      firstRow,
      rowCount,
      view: { ...table.view, offset: table.view.offset + firstRow * rowBytes, bytes: rowCount * rowBytes },
    });
  }
  return pieces;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
