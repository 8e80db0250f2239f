/** React Flow as a picture: nothing in it is moved, joined or chosen by hand; it can be panned and zoomed. */
import { Background, type Edge, type Node, ReactFlow, type ReactFlowProps } from "@xyflow/react"
import { useTheme } from "@/shell/theme"

/** The children stand over it: controls, and what else the picture has. The style sheet is up to who draws. */
export function StillFlow<N extends Node, E extends Edge>({ children, ...props }: ReactFlowProps<N, E>) {
  const theme = useTheme()
  return (
    <ReactFlow
      {...props}
      colorMode={theme}
      fitView
      maxZoom={1.5}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      deleteKeyCode={null}
      // The wheel scrolls the page, as everywhere else; Ctrl and the wheel, or two fingers, zoom.
      zoomOnScroll={false}
      preventScrolling={false}
    >
      <Background gap={24} />
      {children}
    </ReactFlow>
  )
}
