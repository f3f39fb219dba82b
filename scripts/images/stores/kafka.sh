#!/bin/sh
# The entrypoint of the official apache/kafka image, as far as the chart uses it: KAFKA_ variables become server.properties.
set -eu
jars='/opt/kafka/libs/*'
java -cp "$jars" kafka.docker.KafkaDockerWrapper setup --default-configs-dir /etc/kafka/docker \
  --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config
exec java $KAFKA_HEAP_OPTS -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -cp "$jars" kafka.Kafka /opt/kafka/config/server.properties
