# SPDX-License-Identifier: Apache-2.0
# The documents that ship.  nobase keeps their folders: they land in
# $(pkgdatadir)/networks, where a NAME that is no file is looked up.
networksdir = $(pkgdatadir)
nobase_dist_networks_DATA = \
	%D%/network.schema.json %D%/graph.schema.json %D%/device.schema.json %D%/plan.schema.json \
	%D%/alexnet.json %D%/bert-large.json %D%/convnext-tiny.json %D%/densenet121.json %D%/densenet201.json %D%/googlenet.json \
	%D%/gpt2.json %D%/gpt2-xl.json %D%/inception-v3.json %D%/llama-1b.json \
	%D%/llama-8b.json %D%/llama-8b-lora.json %D%/mixtral-8x7b.json %D%/sd-unet.json %D%/t5-base.json \
	%D%/resnet18.json %D%/resnet34.json %D%/resnet50.json %D%/resnet101.json %D%/resnet152.json \
	%D%/resnet1517.json %D%/unet.json %D%/vgg16.json %D%/vit-b16.json %D%/wide-resnet101-2.json \
	%D%/caffe/alexnet.json %D%/caffe/densenet121.json %D%/caffe/googlenet.json %D%/caffe/inception-v4.json \
	%D%/caffe/resnet18.json %D%/caffe/resnet34.json %D%/caffe/resnet50.json %D%/caffe/resnet101.json \
	%D%/caffe/resnet152.json %D%/caffe/resnet1001.json %D%/caffe/resnet1517.json %D%/caffe/resnet2504.json \
	%D%/caffe/vgg16.json \
	%D%/graphs/alexnet.graph.json %D%/graphs/gpt2.graph.json %D%/graphs/gpt2_bf16_compiled.graph.json \
	%D%/graphs/llama_1b_compiled.graph.json %D%/graphs/resnet50.graph.json \
	%D%/graphs/resnet152.graph.json %D%/graphs/resnet1517.graph.json %D%/graphs/vgg16.graph.json \
	%D%/graphs/vit_b_16.graph.json \
	%D%/devices/a100-40g.json %D%/devices/a100-80g.json %D%/devices/gtx1080ti.json %D%/devices/h100.json %D%/devices/b200.json %D%/devices/l40s.json %D%/devices/mi300x.json %D%/devices/rtx5090.json \
	%D%/devices/h200.json %D%/devices/k40m.json %D%/devices/p100.json %D%/devices/rtx4090.json \
	%D%/devices/titan-x.json %D%/devices/v100.json
