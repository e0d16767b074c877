// What host.js and live.js leave for each other in a page; in a notebook there is no host.

declare var InklingHost:
  | {
      deliver(name: string, base64: string): void;
      weights(name: string): Promise<Uint8Array>;
    }
  | undefined;

declare var InklingLive: { render(given: { model: unknown; el: HTMLElement }): void };
