/**
 * Colours by role, for light and for dark pages: Okabe and Ito's, which people with any colour vision
 * tell apart (https://jfly.uni-koeln.de/color/). Options name them as `$equity`; the page fills them in.
 */
export const PALETTES = {
  light: {
    text: '#1f2328',
    muted: '#59636e',
    faint: '#d8dee4',
    surface: '#ffffff',
    equity: '#0072b2',
    benchmark: '#6e7781',
    gain: '#0072b2',
    loss: '#d55e00',
    train: '#b1bac4',
  },
  dark: {
    text: '#e6edf3',
    muted: '#9aa4af',
    faint: '#30363d',
    surface: '#161b22',
    equity: '#56b4e9',
    benchmark: '#9aa4af',
    gain: '#56b4e9',
    loss: '#f0883e',
    train: '#484f58',
  },
} as const;

/** Cividis: even steps of lightness, the same to all eyes and on a grey printer (doi:10.1371/journal.pone.0199239). */
export const CIVIDIS = [
  '#00224e',
  '#123570',
  '#3b496c',
  '#575d6d',
  '#707173',
  '#8a8678',
  '#a59c74',
  '#c3b369',
  '#e1cc55',
  '#fee838',
] as const;
