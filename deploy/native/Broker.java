import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.Uuid;

/**
 * The real Kafka broker, formatted and started in one process: a second virtual machine only to format would double
 * the start. Arguments: server.properties, data folder, and "watch" to end with the parent.
 */
final class Broker {
    private Broker() {}

    public static void main(String[] args) throws Exception {
        if (args.length > 2 && args[2].equals("watch")) {
            ParentWatch.start();
        }
        Path formatted = Path.of(args[1], "meta.properties");
        if (!Files.exists(formatted)) {
            String[] format = {"format", "--config", args[0], "--cluster-id", Uuid.randomUuid().toString()};
            int status = kafka.tools.StorageTool.execute(format, System.out);
            if (status != 0) {
                System.exit(status);
            }
        }
        kafka.Kafka.main(new String[] {args[0]});
    }
}
