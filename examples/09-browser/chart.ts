// The loss by step as a line in an SVG, with a logarithmic axis: a loss falls by factors.
const WIDTH = 640;
const HEIGHT = 240;
const LEFT = 44;
const BOTTOM = 22;

/** Draws the losses so far on axes that hold `steps` of them. */
export function drawLoss(svg: SVGElement, losses: readonly number[], steps: number): void {
  const top = 10 ** Math.ceil(Math.log10(Math.max(...losses)));
  const decades = Math.max(1, Math.ceil(Math.log10(top / Math.min(...losses))));
  const x = (n: number) => LEFT + ((WIDTH - LEFT) * n) / Math.max(1, steps - 1);
  const y = (loss: number) => ((HEIGHT - BOTTOM) * Math.log10(top / loss)) / decades;
  const parts = Array.from({ length: decades + 1 }, (_, i) => {
    const value = top / 10 ** i;
    return `<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${y(value)}" y2="${y(value)}"/>
      <text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${Number(value.toPrecision(1))}</text>`;
  });
  const points = losses.map((loss, n) => `${x(n).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');
  svg.innerHTML = `${parts.join('')}
    <polyline class="loss" points="${points}"/>
    <text x="${LEFT}" y="${HEIGHT - 4}">step 1</text>
    <text x="${WIDTH}" y="${HEIGHT - 4}" text-anchor="end">${steps}</text>
    <text x="${WIDTH / 2}" y="${HEIGHT - 4}" text-anchor="middle">training loss by step</text>`;
}
