"""The brush page and its REST interface: Starlette routes in front of one queue and one thread that runs the model.

- `application`: the routes put together; `settings`: what may be chosen; `security`: who may ask, and headers.
- `strokes`: vectors of a brush -> mask at the photo's full size. `uploads`: bytes -> photo, after checking the header.
- `jobs`: the bounded queue. `fills`: what the queue's thread does. `sessions`: photos and versions kept in memory.
- `static/`: the page. No build step, nothing from other servers.
"""
