# An image for a JupyterHub: each person gets the chapters and a learner's copy of every lab, and begins at the start page.
#
#     docker build -t inkling .
#     docker run --rm -p 8888:8888 inkling jupyter lab --ip=0.0.0.0        to look at it without a hub
#
# Plan for 1 GB of memory and half a core a person. It is made of Binder's own files, so both run the same versions.
FROM python:3.12-slim

# Threads that wait for each other sleep: people who share a machine are busy neighbours.
# The address is where people begin, unless the hub's own settings name another one.
ENV OMP_WAIT_POLICY=PASSIVE \
    PIP_NO_CACHE_DIR=1 \
    JUPYTERHUB_DEFAULT_URL=/lab/tree/workshop/start.ipynb

RUN useradd --create-home --uid 1000 jovyan
WORKDIR /opt/inkling
# what changes seldom comes first, so that a change of prose builds only the last layers
COPY binder/requirements.txt binder/jupyterhub.txt binder/
RUN python -m pip install -q -r binder/requirements.txt -r binder/jupyterhub.txt
COPY . .
RUN binder/postBuild && rm -r workshop

USER jovyan
WORKDIR /home/jovyan
ENTRYPOINT ["/opt/inkling/binder/home"]
CMD ["jupyterhub-singleuser"]
