#!/bin/sh
# With HAPI's client the id of a search hit asks for one version of it, and a page of hits says that there are none.
#
# `getResource().getIdElement()` of HAPI FHIR 8.8.0 puts `meta.versionId` into the id. Handed to `read().withId(...)` it
# asks for `/Patient/3/_history/17`: a server that keeps no history, as FHIR allows, answers 404, and one that has it
# answers with yesterday's version for as long as the program keeps the id. `getIdPart()` asks for the current one.
# `Bundle.total` may be left out (FHIR R4, "Bundle", 0..1); `getTotal()` then is 0 beside a full page, and `hasTotal()`
# alone tells. A server meets both by answering the current version at its `_history` address, and by sending totals.
#
# Seen on 28 November 2026 with OpenJDK 17 and Maven on Debian 12. Fails when the addresses or the total change.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>ca.uhn.hapi.fhir</groupId>
      <artifactId>hapi-fhir-structures-r4</artifactId>
      <version>8.8.0</version>
    </dependency>
    <dependency>
      <groupId>ca.uhn.hapi.fhir</groupId>
      <artifactId>hapi-fhir-client</artifactId>
      <version>8.8.0</version>
    </dependency>
    <dependency>
      <groupId>ca.uhn.hapi.fhir</groupId>
      <artifactId>hapi-fhir-caching-caffeine</artifactId>
      <version>8.8.0</version>
    </dependency>
  </dependencies>
</project>
POM
mvn --quiet --batch-mode --file "$folder/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$folder/lib"

cat >"$folder/Hapi.java" <<'PROGRAM'
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import org.hl7.fhir.r4.model.*;

class Hapi {
    static final String PATIENT = """
        {"resourceType": "Patient", "id": "3", "meta": {"versionId": "17"}, "name": [{"family": "Tremblay"}]}""";

    public static void main(String[] arguments) throws Exception {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        var base = "http://127.0.0.1:" + server.getAddress().getPort() + "/fhir";
        server.createContext("/fhir/", exchange -> {
            var asked = exchange.getRequestURI().toString();
            System.out.println("  GET " + asked);
            var body = asked.contains("?")
                ? "{\"resourceType\": \"Bundle\", \"type\": \"searchset\", \"entry\": [{\"fullUrl\": \"" + base
                    + "/Patient/3\", \"resource\": " + PATIENT + "}]}"
                : PATIENT;
            exchange.getResponseHeaders().set("Content-Type", "application/fhir+json");
            exchange.sendResponseHeaders(200, body.getBytes().length);
            exchange.getResponseBody().write(body.getBytes());
            exchange.close();
        });
        server.start();
        var context = FhirContext.forR4();
        context.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER);
        var client = context.newRestfulGenericClient(base);
        var page = client.search().forResource(Patient.class).where(Patient.FAMILY.matches().value("Tremblay"))
            .returnBundle(Bundle.class).execute();
        System.out.println("entries " + page.getEntry().size() + ", getTotal() " + page.getTotal());
        var id = page.getEntryFirstRep().getResource().getIdElement();
        client.read().resource(Patient.class).withId(id).execute();
        client.read().resource(Patient.class).withId(id.getIdPart()).execute();
        server.stop(0);
    }
}
PROGRAM
java -cp "$folder/lib/*" "$folder/Hapi.java" >"$folder/seen" 2>"$folder/log" || { cat "$folder/log"; exit 1; }

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
  GET /fhir/Patient?family=Tremblay
entries 1, getTotal() 0
  GET /fhir/Patient/3/_history/17
  GET /fhir/Patient/3
EXPECTED
