/** How Mermaid draws: in the page's colours, and nothing of it can be changed by what somebody writes. */
import type { MermaidConfig } from 'mermaid'

import type { Look } from './protocol'

/** A picture has no fonts but the system's. */
const FONT = 'system-ui, sans-serif'

export function configOf(look: Look): MermaidConfig {
  return {
    startOnLoad: false,
    securityLevel: 'strict',
    suppressErrorRendering: true,
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    maxTextSize: 20_000,
    maxEdges: 300,
    deterministicIds: true,
    fontFamily: FONT,
    // In a source these are not listened to.
    secure: [
      'secure', 'securityLevel', 'startOnLoad', 'maxTextSize', 'suppressErrorRendering', 'maxEdges', 'htmlLabels', 'fontFamily',
      'altFontFamily', 'themeCSS', 'dompurifyConfig', 'deterministicIds', 'deterministicIDSeed',
    ],
    theme: 'base',
    themeVariables: {
      darkMode: look.dark,
      fontFamily: FONT,
      fontSize: '14px',
      background: look.page,
      primaryColor: look.soft,
      primaryTextColor: look.text,
      primaryBorderColor: look.accent,
      secondaryColor: look.side,
      secondaryTextColor: look.text,
      secondaryBorderColor: look.line,
      tertiaryColor: look.float,
      tertiaryTextColor: look.text,
      tertiaryBorderColor: look.line,
      lineColor: look.muted,
      textColor: look.text,
      noteBkgColor: look.warning,
      noteTextColor: look.text,
      noteBorderColor: look.line,
      edgeLabelBackground: look.page,
      gridColor: look.line,
      pieStrokeColor: look.line,
      pieOuterStrokeColor: look.line,
      pie2: look.warning,
    },
  }
}
