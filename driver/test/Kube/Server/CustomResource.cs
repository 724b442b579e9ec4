using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.RepresentationModel;

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
    public static CustomResource ThinPools { get; } = new(ReadYaml(
        Path.Combine(AppContext.BaseDirectory, "thinpools.csithin.io.yaml")));

    public JsonObject Definition { get; }

    public JsonObject Schema { get; }

    public JsonArray Columns { get; }

    /// <summary>A YAML file as JSON, by the rules of YAML 1.2's core schema.</summary>
    public static JsonObject ReadYaml(string path)
    {
        var stream = new YamlStream();
        using var reader = File.OpenText(path);
        stream.Load(reader);
        return (JsonObject)ToJson(stream.Documents[0].RootNode)!;
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(
            pair => KeyValuePair.Create(((YamlScalarNode)pair.Key).Value!, ToJson(pair.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        YamlScalarNode { Style: not YamlDotNet.Core.ScalarStyle.Plain } text => JsonValue.Create(text.Value),
        YamlScalarNode { Value: "true" or "false" } flag => JsonValue.Create(flag.Value == "true"),
        YamlScalarNode { Value: "" or "null" or "~" or null } => null,
        YamlScalarNode scalar when long.TryParse(scalar.Value, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => throw new InvalidOperationException($"no YAML node for JSON: {node}"),
    };
}
