using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Brokkr.Core;
using Brokkr.Core.Log;

namespace Brokkr.Kafka.Groups;

/// <summary>Opens connections: socket, encryption, versions, login.</summary>
internal sealed class BrokerConnector(ConnectionSettings settings, TimeProvider time)
{
    private const short UnsupportedMechanism = 33;

    /// <summary>A connection is replaced after this part of the time after which the broker would end it.</summary>
    private const double PartOfLifetime = 0.8;

    /// <summary>Opens a connection.</summary>
    /// <param name="address">To whom.</param>
    /// <param name="closed">Is called once when it is of no more use.</param>
    /// <exception cref="ConnectionLostException">Nobody is there, or does not answer in time; it may be otherwise later.</exception>
    /// <exception cref="LogUnavailableException">The broker refuses us, or we the broker; somebody must change something first.</exception>
    public async Task<BrokerConnection> OpenAsync(BrokerAddress address, Action<BrokerConnection> closed)
    {
        using var deadline = new CancellationTokenSource(settings.SetUp, time);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        BrokerConnection? connection = null;
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(address.Host, address.Port, deadline.Token);
            Stream stream = new NetworkStream(socket, ownsSocket: false);
            if (settings.Tls is { } tls)
            {
                var encrypted = new SslStream(stream);
                stream = encrypted;
                await encrypted.AuthenticateAsClientAsync(tls.For(address.Host), deadline.Token);
            }

            connection = new BrokerConnection(address, socket, stream, settings, time, closed);
            connection.Versions = await connection.SendAsync(new ApiVersions.Ask()).WaitAsync(deadline.Token);
            if (settings.Sasl is { } sasl)
            {
                await LogInAsync(connection, sasl, deadline.Token).WaitAsync(deadline.Token);
            }

            return connection;
        }
        catch (Exception exception)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }

            socket.Dispose();
            throw Explain(address, exception);
        }
    }

    private Exception Explain(BrokerAddress address, Exception exception) =>
        exception switch
        {
            OperationCanceledException => new ConnectionLostException(
                $"{address} did not open a connection within {settings.SetUp.TotalSeconds:0.#} s",
                exception
            ),
            AuthenticationException => new LogUnavailableException($"{address}: no TLS connection: {exception.WithCause()}", exception),
            ProtocolException => new ConnectionLostException($"{address}: {exception.Message}", exception),
            ConnectionLostException or LogUnavailableException => exception,
            SocketException or IOException or ArgumentException => new ConnectionLostException(
                $"{address}: {exception.Message}",
                exception
            ),
            _ => exception,
        };

    private async Task LogInAsync(BrokerConnection connection, SaslCredentials sasl, CancellationToken deadline)
    {
        var started = time.GetTimestamp();
        var (error, known) = await connection.SendAsync(new SaslHandshakeRequest(sasl.Mechanism));
        if (error == UnsupportedMechanism)
        {
            throw new LogUnavailableException(
                $"{connection.Address} does not take sasl.mechanism {sasl.Mechanism}, but {string.Join(", ", known)}"
            );
        }

        if (error != 0)
        {
            throw Refused(connection, sasl, $"error {error}");
        }

        SaslStep last;
        if (sasl.Mechanism is "PLAIN")
        {
            last = await StepAsync(connection, sasl, Encoding.UTF8.GetBytes($"\0{sasl.User}\0{sasl.Password}"));
        }
        else if (sasl.Tokens is { } tokens)
        {
            var first = BearerLogin.First(await tokens.GetAsync(deadline), tokens.Extensions);
            last = await StepAsync(connection, sasl, first);
            if (last.Bytes.Length > 0)
            {
                // A refusal comes as one more question; its answer brings the error.
                await StepAsync(connection, sasl, BearerLogin.Understood());
                throw Refused(connection, sasl, "the token is not accepted");
            }
        }
        else
        {
            var scram = new ScramLogin(sasl);
            var first = await StepAsync(connection, sasl, scram.First());
            last = await StepAsync(connection, sasl, scram.Second(first.Bytes));
            scram.Verify(last.Bytes);
        }

        if (last.Lifetime > 0)
        {
            // An absurd number must not overflow: a year is for ever.
            var seconds = Math.Min(last.Lifetime / 1000.0, TimeSpan.FromDays(365).TotalSeconds) * PartOfLifetime;
            connection.RetireAt = started + (long)(seconds * time.TimestampFrequency);
        }
    }

    private static async Task<SaslStep> StepAsync(BrokerConnection connection, SaslCredentials sasl, byte[] bytes)
    {
        var step = await connection.SendAsync(new SaslAuthenticateRequest(bytes));
        return step.Error == 0 ? step : throw Refused(connection, sasl, step.Message ?? $"error {step.Error}");
    }

    private static LogUnavailableException Refused(BrokerConnection connection, SaslCredentials sasl, string reason) =>
        new($"{connection.Address} refuses the login as user '{sasl.User}' by {sasl.Mechanism}: {reason}");
}
