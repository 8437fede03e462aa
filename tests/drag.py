"""What a file manager does when a person drags files out of it: a small window at a corner of the display."""

import sys
from pathlib import Path

import gi

for name in ("Gdk", "Gtk"):
    gi.require_version(name, "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402

window = Gtk.Window(decorated=False)
window.set_default_size(40, 40)
handle = Gtk.EventBox()
window.add(handle)
handle.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
handle.drag_source_add_uri_targets()
uris = [Path(name).as_uri() for name in sys.argv[1:]]
handle.connect("drag-data-get", lambda _handle, _drag, data, _info, _time: data.set_uris(uris))
window.connect("map-event", lambda _window, _event: print("ready", flush=True))
window.show_all()
window.move(0, 0)
Gtk.main()
