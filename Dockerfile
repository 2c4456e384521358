# inpaint_tf with CUDA as Python packages: `docker run --gpus all`; without a GPU it runs on the CPU.
FROM python:3.11-slim

WORKDIR /opt/inpaint_tf
COPY setup.py pyproject.toml README.md LICENSE ./
COPY inpaint_tf inpaint_tf
RUN pip install --no-cache-dir ".[cuda,serve]"

# Nothing here needs to be root.
RUN useradd --create-home inpaint
USER inpaint
WORKDIR /home/inpaint

ENTRYPOINT ["inpaint-tf"]
CMD ["--help"]
