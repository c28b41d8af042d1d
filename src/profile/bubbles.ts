// Where numbered bubbles go so that none covers another one, a point of the plot, or a text.

export interface Spot {
  x: number;
  y: number;
}

export interface BubbleRoom {
  left: number;
  right: number;
  top: number;
  bottom: number;
  radius: number;
  /** Places to stay off by `radius` and a little: along texts, say. */
  taken?: readonly Spot[];
  /** Lines that bubbles rather do not sit on. */
  lines?: readonly (readonly [Spot, Spot])[];
}

const ANGLES = 24;
const RINGS = 14;
const GAP = 2;

/**
 * A bubble for each point, on it where there is room, else near it; in the order of the points, so the first choose first.
 * Where a crowd leaves no free place within fourteen radii, the one with the fewest neighbours.
 */
export function placeBubbles(points: readonly Spot[], room: BubbleRoom): Spot[] {
  const placed: Spot[] = [];
  points.forEach((point, i) => {
    const others = points.filter((_, j) => j !== i);
    let best: { spot: Spot; cost: number } | undefined;
    for (const { spot, far } of candidates(point, room)) {
      const cost = far + crowding(spot, placed, others, room) + crossing(point, spot, placed, room);
      if (!best || cost < best.cost - 1e-9) best = { spot, cost };
    }
    placed.push(best!.spot);
  });
  return placed;
}

/** On the point, then on rings around it, those inside of the plot. */
function candidates(point: Spot, { left, right, top, bottom, radius }: BubbleRoom): { spot: Spot; far: number }[] {
  const out = [{ spot: point, far: 0 }];
  for (let ring = 1; ring <= RINGS; ring++) {
    const distance = radius * (0.75 + 0.75 * ring);
    for (let n = 0; n < ANGLES; n++) {
      const angle = (2 * Math.PI * n) / ANGLES;
      const spot = { x: point.x + distance * Math.cos(angle), y: point.y - distance * Math.sin(angle) };
      const inside =
        spot.x - radius > left && spot.x + radius < right && spot.y - radius > top && spot.y + radius < bottom;
      if (inside) out.push({ spot, far: distance });
    }
  }
  return out;
}

const COVERS = 1e4;
const ON_LINE = 60;
const PASSES = 90;

function crowding(spot: Spot, placed: readonly Spot[], others: readonly Spot[], room: BubbleRoom): number {
  const { radius, taken = [], lines = [] } = room;
  const near = (spots: readonly Spot[], distance: number) => spots.filter((s) => apart(s, spot) < distance).length;
  const covered = near(placed, 2 * radius + GAP) + near(others, radius + 2 * GAP) + near(taken, radius + 3 * GAP);
  const crossed = lines.filter(([a, b]) => toSegment(spot, a, b) < radius + GAP).length;
  return COVERS * covered + ON_LINE * crossed;
}

/** What the line from a point to its bubble passes over. */
function crossing(point: Spot, spot: Spot, placed: readonly Spot[], { radius, taken = [] }: BubbleRoom): number {
  const passed = (spots: readonly Spot[], distance: number) =>
    spots.filter((s) => toSegment(s, point, spot) < distance).length;
  return PASSES * (passed(placed, radius) + passed(taken, radius - 1));
}

function apart(a: Spot, b: Spot): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function toSegment(p: Spot, a: Spot, b: Spot): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length));
  return apart(p, { x: a.x + t * dx, y: a.y + t * dy });
}
