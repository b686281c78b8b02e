import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Set;
import org.h2.mvstore.MVStore;

/**
 * A server that speaks MongoDB's protocol and keeps its data in one H2 file: the stand-in where there is no mongod.
 * Arguments: port, data file, and "watch" to end with the parent.
 */
final class MongoServer {
    private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findandmodify", "create",
            "createindexes", "drop", "dropindexes", "dropdatabase", "renamecollection");

    private MongoServer() {}

    /** Answers a write only when it is in the file, as w=majority, j=true promises: a killed process loses nothing. */
    private static final class DurableBackend extends H2Backend {
        DurableBackend(MVStore store) {
            super(store);
        }

        @Override
        public Document handleMessage(MongoMessage message) {
            String command = message.getDocument().keySet().iterator().next().toLowerCase(java.util.Locale.ROOT);
            if (!WRITES.contains(command)) {
                return super.handleMessage(message);
            }
            synchronized (getMvStore()) { // a commit in the middle of another write would keep half of it
                Document reply = super.handleMessage(message);
                commit();
                return reply;
            }
        }
    }

    public static void main(String[] args) {
        if (args.length > 2 && args[2].equals("watch")) {
            ParentWatch.start();
        }
        // Every write commits itself, so the store's own timer and size limit only keep house in between.
        MVStore store = new MVStore.Builder().fileName(args[1]).autoCommitBufferSize(65_536).open();
        store.setAutoCommitDelay(10_000);
        store.setRetentionTime(1_000);
        DurableBackend backend = new DurableBackend(store);
        backend.version(new MongoVersion() { // it reports wire version 8, which today's drivers refuse
            @Override
            public List<Integer> getVersionArray() {
                return List.of(4, 4, 0);
            }

            @Override
            public int getWireVersion() {
                return 9;
            }
        });
        var server = new de.bwaldvogel.mongo.MongoServer(backend);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
        System.out.println("ready on 127.0.0.1:" + args[0]);
    }
}
