using System.Text.Json.Nodes;

namespace CsiThin.Driver.Tests.Kube.Server;

/// <summary>A CustomResourceDefinition as the chart ships it: schema and printer columns of its one version.</summary>
internal sealed class CustomResource
{
    private CustomResource(JsonObject definition)
    {
        Definition = definition;
        var version = definition["spec"]!["versions"]![0]!;
        Schema = (JsonObject)version["schema"]!["openAPIV3Schema"]!;
        Columns = (JsonArray)version["additionalPrinterColumns"]!;
    }

    /// <summary>The ThinPool of this repository.</summary>
    public static CustomResource ThinPools { get; } = new((JsonObject)YamlJson.Read(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "thinpools.csithin.io.yaml")))[0]!);

    public JsonObject Definition { get; }

    public JsonObject Schema { get; }

    public JsonArray Columns { get; }
}
