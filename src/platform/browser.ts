// WebGPU in a browser: `navigator.gpu`.
import { AdapterError } from '../errors.ts';
import type { Platform } from './platform.ts';

interface Navigator {
  readonly gpu?: GPU;
  readonly userAgent?: string;
}

/** Where WebGPU is switched on in a browser, by what it calls itself. */
export function switchOf(userAgent: string): string {
  if (/Deno\//.test(userAgent)) return 'In Deno, run with --unstable-webgpu.';
  if (/Firefox\//.test(userAgent))
    return 'In Firefox, set dom.webgpu.enabled to true in about:config, and gfx.webgpu.ignore-blocklist too where about:support says that WebGPU is blocked.';
  if (/Edg\//.test(userAgent)) return chromium('Edge', 'edge');
  if (/Chrome\/|Chromium\//.test(userAgent)) return chromium('Chrome', 'chrome');
  if (/Safari\//.test(userAgent))
    return 'In Safari 26 and newer it is on; in older ones switch on WebGPU under Develop, Feature Flags.';
  return 'Use a current Chrome, Edge, Safari or Firefox.';
}

function chromium(name: string, scheme: string): string {
  return `In ${name}, switch on graphics acceleration (${scheme}://settings/system) and "Unsafe WebGPU Support" (${scheme}://flags/#enable-unsafe-webgpu), which also lets it use adapters that it does not support; ${scheme}://gpu says what it found.`;
}

function surroundings(): { navigator: Navigator; isSecureContext: boolean } {
  const { navigator = {}, isSecureContext = true } = globalThis as Partial<ReturnType<typeof surroundings>>;
  return { navigator, isSecureContext };
}

export const platform: Platform = {
  name: 'browser',
  environment: {},
  otherBackends: [],
  noAdapter: () =>
    `no WebGPU adapter found: this browser has WebGPU, but offers no adapter. ${switchOf(surroundings().navigator.userAgent ?? '')}`,
  async gpu({ backend }) {
    if (backend !== undefined)
      throw new AdapterError(`a browser chooses its backend by itself: leave out backend "${backend}"`);
    const { navigator, isSecureContext } = surroundings();
    if (navigator.gpu) return navigator.gpu;
    throw new AdapterError(
      isSecureContext
        ? `this browser has no WebGPU (navigator.gpu is missing). ${switchOf(navigator.userAgent ?? '')}`
        : 'this page has no WebGPU (navigator.gpu is missing): browsers offer it over https and on localhost only',
    );
  },
  wait: (work) => work,
};
