using System.CommandLine;
using Csi.V1;
using CsiThin.Driver.Calls;
using CsiThin.Driver.Cli.Hosting;
using CsiThin.Driver.Volumes;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace CsiThin.Driver.Cli;

/// <summary>
/// <c>call</c>: one call of CSI, as kubelet or a sidecar would make it, with request and answer as JSON. Every method of csi.proto can be
/// called, whatever the server promises.
/// </summary>
internal static class CallCommand
{
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithIndentation());

    /// <summary>The command.</summary>
    public static Command Build(CommandLine line)
    {
        var method = Arguments.Text("METHOD", "Such as Controller/CreateVolume or Node/NodeStageVolume");
        var request = new Argument<string>("JSON")
        {
            Description = "The request, in the field names of csi.proto; {} where not given",
            DefaultValueFactory = _ => "{}",
        };
        var endpoint = ServerArguments.Endpoint();
        var command = new Command("call", "Call CSI on its socket as kubelet does. Example: csi-thin call Node/NodeGetInfo")
        {
            method, request, endpoint,
        };
        line.SetAction(command, (parsed, output, cancellation) => RunAsync(
            parsed.GetRequiredValue(endpoint)!,
            Find(parsed.GetRequiredValue(method)),
            parsed.GetRequiredValue(request),
            output,
            cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        string socketPath, MethodDescriptor method, string json, Output output, CancellationToken cancellation)
    {
        var request = Parse(method, json);
        if (!File.Exists(socketPath))
            throw new CliException($"there is no socket {socketPath}: does the server run, and is --endpoint its own?");
        using var channel = UnixChannel.Open(socketPath);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<IMessage, IMessage>(
                MethodType.Unary, method.Service.FullName, method.Name, Marshaller(method.InputType), Marshaller(method.OutputType)),
            host: null,
            new CallOptions(cancellationToken: cancellation),
            request);
        var response = await call.ResponseAsync.ConfigureAwait(false);
        output.Out.WriteLine(Formatter.Format(response));
        return ExitCodes.Success;
    }

    private static MethodDescriptor Find(string text)
    {
        var services = CsiReflection.Descriptor.Services;
        if (text.Split('/') is [var service, var name] &&
            services.FirstOrDefault(one => one.Name == service)?.FindMethodByName(name) is { IsServerStreaming: false } method)
            return method;
        throw new CliException(
            $"there is no method {NameRules.Quote(text)}; there is {string.Join(", ", services.Select(one => $"{one.Name}/..."))}",
            ExitCodes.Usage);
    }

    private static IMessage Parse(MethodDescriptor method, string json)
    {
        try
        {
            return JsonParser.Default.Parse(json, method.InputType);
        }
        catch (InvalidProtocolBufferException wrong)
        {
            throw new CliException($"the request is no {method.InputType.Name}: {wrong.Message}", ExitCodes.Usage);
        }
    }

    private static Marshaller<IMessage> Marshaller(MessageDescriptor type) =>
        Marshallers.Create(
            (message, context) => context.Complete(message.ToByteArray()),
            context => type.Parser.ParseFrom(context.PayloadAsNewBuffer()));
}
