#!/bin/sh
# Takes out of SITE_PACKAGES what a serving process never opens, and precompiles the rest.
#   torch/include, most of bin, *.a: for C++ extensions and torch.compile (the image has no compiler, see Dockerfile)
#   symbol tables: 90 MB in torch, 250 MB in vLLM's kernels; nothing resolves names through them
#   botocore/data: descriptions of 400 services; s3 is what Ray downloads from, the rest signs in (roles, web identity)
#   ray/jars, ray/rllib: Ray's Java half and its reinforcement learning library
# Byte code is worth its size: on a read-only root every Ray worker would compile vLLM's 2000 modules anew at each start.
set -eu
site=$1
rm -rf "$site"/torch/include "$site"/pyarrow/include "$site"/pyarrow/tests "$site"/pandas/tests \
       "$site"/nvidia/*/include "$site"/ray/jars "$site"/ray/rllib "$site"/ray/cpp "$site"/tvm_ffi/include
find "$site"/botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' -exec rm -rf {} +
find "$site"/torch/bin -type f ! -name torch_shm_manager -delete
find "$site" \( -name '*.a' -o -name '*.js.map' -o -name '*.pyx' \) -type f -delete
find "$site"/torch/lib "$site"/vllm -name '*.so*' -type f -exec strip --strip-unneeded {} +
# Packages carry a few test files in the syntax of newer Pythons: these fail to compile, and nobody imports them.
python3 -m compileall -qq -j 0 "$site" || echo "prune.sh: some files were not precompiled (newer syntax)"
